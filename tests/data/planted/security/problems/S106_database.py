import driver


def connect():
    return driver.connect(host="db", user="app", password="planted&Pa55")

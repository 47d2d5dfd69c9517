from http.server import HTTPServer

ADDRESS = ("127.0.0.1", 8000)
VERSION = "0.0.0.1"


def serve(handler):
    HTTPServer(ADDRESS, handler).serve_forever()

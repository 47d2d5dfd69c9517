from wsgiref.simple_server import make_server


def serve(app):
    make_server("0.0.0.0", 8080, app).serve_forever()

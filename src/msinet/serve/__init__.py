"""The service: a gallery and its model behind HTTP. The only room that knows FastAPI, uvicorn and Prometheus."""

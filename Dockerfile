# The service without PyTorch: a gallery and an exported model lie in the volume /gallery (docs/service.md).
FROM python:3.12-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN python -m venv /msinet && /msinet/bin/pip install --no-cache-dir "/source[serve,openvino]"

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin msinet \
    && mkdir /gallery && chown msinet:msinet /gallery
COPY --from=build /msinet /msinet
ENV PATH=/msinet/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MODEL=""
USER msinet
VOLUME /gallery
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# The token comes from the environment (-e MSINET_TOKEN): without one the service does not start at 0.0.0.0.
CMD ["sh", "-c", "exec msinet serve --gallery /gallery --host 0.0.0.0 --port 8000 ${MODEL:+--model \"$MODEL\"}"]

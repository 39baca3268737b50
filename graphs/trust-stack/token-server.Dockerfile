FROM docker.io/library/python:3.11-slim
ARG PLANNER="image-family-planner[trust]"
RUN pip install --no-cache-dir --no-compile "${PLANNER}"
# A user that owns nothing but the folder of keys; Compose mounts everything else read-only.
RUN useradd --system --uid 10001 --no-create-home tokens && install -d -o tokens -m 0700 /keys && install -d -o tokens /public
USER 10001
ENTRYPOINT ["planner", "token-server"]

# Built from a lock file alone; the second stage holds no build tools and no package manager's cache.
ARG PYTHON=3.13
# requirements.txt leaves Numba out: a smaller image that draws the same bits several times slower.
ARG REQUIREMENTS=requirements-fast.txt

FROM python:${PYTHON}-slim AS build
ARG REQUIREMENTS
COPY ${REQUIREMENTS} /requirements.txt
RUN python -m venv /opt/fanin \
    && /opt/fanin/bin/pip install --no-cache-dir --no-compile --require-hashes -r /requirements.txt \
    && /opt/fanin/bin/pip uninstall --yes pip
COPY service /opt/fanin/app/service
COPY docs/recipe.md docs/recipe-vectors.json /opt/fanin/app/docs/
RUN /opt/fanin/bin/python -m compileall -q /opt/fanin

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="fanin" \
      org.opencontainers.image.description="Initial weights of neural networks over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/fanin /opt/fanin
WORKDIR /opt/fanin/app
USER 10001:10001
# The root file system may be read-only: nothing is written. Numba then compiles at every start, for some seconds.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FANIN_HOST=0.0.0.0 FANIN_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["/opt/fanin/bin/python", "-m", "service.web.health"]
STOPSIGNAL SIGTERM
CMD ["/opt/fanin/bin/python", "-m", "service"]

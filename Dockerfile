# Built from lock files alone; the second stage holds no build tools and no package manager's cache.
ARG PYTHON=3.13
# A lock file's name: "run" leaves Numba out, for a smaller image that draws the same bits several times slower.
ARG REQUIREMENTS=fast

FROM python:${PYTHON}-slim AS build
ARG REQUIREMENTS
COPY requirements/${REQUIREMENTS}.txt /requirements.txt
RUN python -m venv /opt/fanin \
    && /opt/fanin/bin/pip install --no-cache-dir --no-compile --require-hashes -r /requirements.txt \
    && /opt/fanin/bin/pip uninstall --yes pip
# Hashes, not dates, tie byte code to its source here: a copy may change dates, and nothing changes in an image.
RUN /opt/fanin/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/fanin
COPY service /opt/app/service
RUN /opt/fanin/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/app
# Machine code for all levels of x86-64, of which each start reads what its CPU has. It lies beside its source, in
# __pycache__, and is tied to it by a hash.
WORKDIR /opt/app
RUN if [ "${REQUIREMENTS}" = fast ]; then /opt/fanin/bin/python -m service.numerics.recipe.precompile; fi

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="fanin" \
      org.opencontainers.image.description="Initial weights of neural networks over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
# Two layers: a new version of the service moves a megabyte, not the libraries.
COPY --from=build /opt/fanin /opt/fanin
COPY --from=build /opt/app /opt/app
WORKDIR /opt/app
USER 10001:10001
# The root file system may be read-only: nothing is written. Machine code is read, in two seconds; on another
# architecture than x86-64 it is compiled at every start, for ten seconds of CPU.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FANIN_HOST=0.0.0.0 FANIN_PORT=8000
EXPOSE 8000
# The first success ends the start period. It is long for where code must be compiled: several containers that start on one
# busy machine take minutes then.
HEALTHCHECK --interval=5s --timeout=3s --start-period=300s --retries=3 \
    CMD ["/opt/fanin/bin/python", "-m", "service.web.health"]
STOPSIGNAL SIGTERM
CMD ["/opt/fanin/bin/python", "-m", "service"]

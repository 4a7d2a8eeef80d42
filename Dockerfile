# One image for every service; PORTA_SERVICE chooses which one a container runs.

# A tag moves with the security updates of its distribution. Whoever wants the very same base twice
# names it by digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:...
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS packages
# requirements-s3.txt is the same with what speaks S3 (docs/configuration.md).
ARG REQUIREMENTS=requirements.txt
COPY ${REQUIREMENTS} /requirements.txt
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes \
    --requirement /requirements.txt

FROM ${PYTHON}
# What runs installs nothing.
RUN pip uninstall --yes --root-user-action=ignore wheel setuptools pip \
 && groupadd --system --gid 10001 porta \
 && useradd --system --uid 10001 --gid porta --no-create-home --home-dir /nonexistent porta
COPY --from=packages /opt/venv /opt/venv
COPY --chmod=0755 docker/porta docker/entrypoint.sh docker/probe /usr/local/bin/
# Compose files of Porta 1.x probe with these.
RUN ln -s probe /usr/local/bin/curl && ln -s probe /usr/local/bin/wget
COPY porta /app/porta
COPY handlers /app/handlers
COPY storage /app/storage
COPY templates /app/templates
COPY locale /app/locale
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    NODE_ENV=production \
    PORTA_SERVICE=server \
    PORT=3000
# Compiled here, since the account that runs it may write nowhere.
RUN python -m compileall -q /app
WORKDIR /app
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["sh", "-c", "[ \"$PORTA_SERVICE\" != worker ] || exec porta health; exec porta health --live --url http://localhost:$PORT"]
ENTRYPOINT ["entrypoint.sh"]

# The command `rater` in a small image: dependencies are built in one stage and copied into another without build tools.
FROM python:3.13-slim AS build
COPY requirements-runtime.lock /build/
RUN python -m venv /opt/rater \
    && /opt/rater/bin/pip install --no-cache-dir --require-hashes -r /build/requirements-runtime.lock
COPY pyproject.toml README.md /build/
COPY rater /build/rater
RUN /opt/rater/bin/pip install --no-cache-dir --no-deps --no-build-isolation /build \
    && /opt/rater/bin/pip uninstall --yes setuptools pip

FROM python:3.13-slim
# Statements as PDF need Pango and fonts, which make the image three times as large: docker build --build-arg PDF=1
ARG PDF=
RUN test -z "$PDF" || { apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*; }
RUN useradd --system --uid 10001 --no-create-home rater
COPY --from=build /opt/rater /opt/rater
ENV PATH=/opt/rater/bin:$PATH PYTHONUNBUFFERED=1 RATER_HEALTH_PORT=8080
USER rater
WORKDIR /
# A worker is ready when all its partitions are restored and it takes calls in.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"RATER_HEALTH_PORT\"]}/ready', timeout=2)"]
ENTRYPOINT ["rater"]
CMD ["worker"]

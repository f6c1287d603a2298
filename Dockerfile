# Odyssey in a container: everything is installed in the first stage, the second runs it as a user without rights.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
ARG PIP_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY agent agent
COPY tools tools
COPY knowledge knowledge
RUN pip install --no-cache-dir --upgrade 'pip>=26' \
 && pip install --no-cache-dir -c constraints.txt --extra-index-url "$PIP_INDEX" torch \
 && pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 odyssey && mkdir /home/odyssey/data && chown odyssey /home/odyssey/data
COPY --from=build /venv /venv
USER odyssey
WORKDIR /home/odyssey
ENV PATH=/venv/bin:$PATH ODYSSEY_HOME=/home/odyssey/data
VOLUME /home/odyssey/data
HEALTHCHECK --interval=60s --timeout=20s CMD ["odyssey", "doctor"]
ENTRYPOINT ["odyssey"]
CMD ["serve"]

FROM node:18 AS frontend
WORKDIR /ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci
COPY ui/ ./
RUN npm run build

FROM python:3.11-slim AS api
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*
WORKDIR /api
COPY api/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY api/ .
COPY --from=frontend /ui/dist ./static
COPY --from=0 /ui/LICENSE ./static/
COPY --from=nginx:1.25 /etc/nginx/mime.types /etc/mime.types
CMD ["uvicorn", "main:app"]

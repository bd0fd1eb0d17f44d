FROM condaforge/mambaforge:23.3.1-1
RUN mamba install -y -c conda-forge \
      gdal=3.6 \
      rasterio \
      xarray \
      "dask>=2023.1" \
 && mamba clean -afy
COPY --chown=1000:100 src /opt/geo/src
ENV PYTHONPATH="/opt/geo/src"
CMD [ "python", "-m", "geo.worker" ]

FROM rocker/r-ver:4.2
RUN apt-get update -y && apt-get install -y python3 python3-pip libcurl4-openssl-dev \
    && R -e "install.packages(c('reticulate', 'tidymodels'), repos = 'https://cran.example.org')"
RUN Rscript -e 'reticulate::py_config()'
COPY . /work
WORKDIR /work
CMD ["R", "--no-save"]

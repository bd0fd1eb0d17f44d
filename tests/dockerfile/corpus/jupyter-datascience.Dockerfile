FROM jupyter/datascience-notebook:latest

USER root
RUN apt-get update && \
    apt-get install -y graphviz && \
    fix-permissions "${CONDA_DIR}" && \
    fix-permissions "/home/${NB_USER}"

USER ${NB_UID}
RUN pip install --quiet --no-cache-dir \
    'shap' \
    'lightgbm>=4,<5' && \
    fix-permissions "${CONDA_DIR}"

RUN jupyter labextension install @jupyter-widgets/jupyterlab-manager
COPY --chown=${NB_UID}:${NB_GID} notebooks/ "/home/${NB_USER}/work/"
EXPOSE 8888

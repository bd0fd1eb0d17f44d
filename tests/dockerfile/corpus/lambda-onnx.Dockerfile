FROM public.ecr.aws/lambda/python:3.11
RUN pip install onnxruntime numpy --target "${LAMBDA_TASK_ROOT}"
COPY app.py model.onnx ${LAMBDA_TASK_ROOT}/
CMD [ "app.handler" ]

#escape=`
# syntax=docker/dockerfile:1
FROM python:3.11-slim
RUN apt-get update && `
    # the backslash is a character like others here
    apt-get install -y libgomp1 && `
    printf 'a\tb\n' > /tmp/x
ENV A=b` c D="e`"f"
CMD ["python"]

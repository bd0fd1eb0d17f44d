FROM	python:3.11
RUN	pip install \
		fastapi \
		uvicorn
	ENV	A=b
 	COPY	--chown=1:1	a	b
CMD	[ "uvicorn",	"a:app" ]

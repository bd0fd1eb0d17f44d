FROM python:3.11   
RUN pip install x \   
  y  
RUN echo a \


  b
ENV A=1   B=2   



CMD ["a"]   


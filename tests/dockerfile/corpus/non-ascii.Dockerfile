# Übersetzungsmodell — 翻訳
FROM python:3.11-slim
LABEL author="Zoë Müller" 説明=モデル
ENV GREETING="Привет, мир" EMOJI=🚀
COPY données/ /srv/données/
RUN echo "naïve café" && pip install jieba fugashi # ユーザー
CMD ["python", "-c", "print('日本語')"]

FROM registry.example/tour/python
COPY app /app
CMD ["sh", "/app/main.sh"]

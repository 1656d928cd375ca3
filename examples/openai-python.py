"""The official OpenAI package for Python: a streamed answer, a whole one, and a structured one.

pip install openai
DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 python examples/openai-python.py
"""

import json
import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("DUANYUN_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("DUANYUN_API_KEY", "EMPTY"),
)

print("models:", ", ".join(model.id for model in client.models.list()))

print("stream: ", end="")
stream = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": "用一句话介绍牛顿第一定律。"}],
    max_tokens=60,
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
    if chunk.usage:
        print(f"\nusage: {chunk.usage.prompt_tokens} + {chunk.usage.completion_tokens} tokens")

answer = client.chat.completions.with_raw_response.create(
    model="auto",
    messages=[{"role": "user", "content": "Name one planet."}],
    max_tokens=20,
    temperature=0,
)
print("answered by:", answer.parse().model, "on the", answer.headers["x-duanyun-target"])

structured = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": "Paris is the capital of France. Fill in the form."}],
    max_tokens=60,
    temperature=0,
    response_format={
        "type": "json_schema",
        "json_schema": {
            "name": "capital",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
                "required": ["city", "country"],
                "additionalProperties": False,
            },
        },
    },
)
print("structured:", json.loads(structured.choices[0].message.content))

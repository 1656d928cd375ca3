"""The client of the reference document, chapter 3: python langchain-client.py (pip install langchain-openai)."""

from langchain_openai import ChatOpenAI
import os

chat_model = ChatOpenAI(
    model="autoglm-phone-9b",
    temperature=0.5,
    base_url=os.environ.get("DUANYUN_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key="EMPTY",
    extra_body={
        "enable_thinking": True,
        "return_reasoning": True,
    },
    streaming=True,
)
response = chat_model.invoke("你是谁?")
print(response.content)

"""Speech by the official OpenAI package for Python: written down, translated, in parts, and asked as a question.

duanyun pull whisper-base; pip install openai
DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 python examples/openai-python-audio.py [recording]
"""

import base64
import os
import pathlib
import sys

from openai import BadRequestError, OpenAI

client = OpenAI(
    base_url=os.environ.get("DUANYUN_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("DUANYUN_API_KEY", "EMPTY"),
)
question = pathlib.Path(__file__).parent / "media" / "question.wav"
recording = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else question
transcriptions, translations = client.audio.transcriptions, client.audio.translations

print("json:", transcriptions.create(model="whisper-1", file=recording).text)
print("srt:", transcriptions.create(model="whisper-1", file=recording, response_format="srt").strip())

whole = transcriptions.create(
    model="whisper-1",
    file=recording,
    response_format="verbose_json",
    timestamp_granularities=["word", "segment"],
)
print(f"verbose: {whole.language}, {whole.duration:.1f} s, {len(whole.segments)} segments, {len(whole.words)} words")
print("words:", " ".join(f"{each.word}@{each.start:.2f}" for each in whole.words))

print("stream: ", end="")
for event in transcriptions.create(model="whisper-1", file=recording, stream=True):
    if event.type == "transcript.text.delta":
        print(event.delta, end="", flush=True)
    if event.type == "transcript.text.done":
        print("\ndone:", event.text)

print("translation:", translations.create(model="whisper-1", file=recording).text)

# A question in a message: what was understood stands beside the answer. The recording never leaves the device.
sound = {"data": base64.b64encode(recording.read_bytes()).decode(), "format": "wav"}
answer = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": sound}]}],
    max_tokens=40,
    temperature=0,
)
print("understood:", answer.duanyun["recordings"][0]["text"])
print("answer:", answer.choices[0].message.content)

try:
    transcriptions.create(model="whisper-1", file=("letter.wav", b"This is a letter, not sound."))
except BadRequestError as error:
    print("refused:", error.status_code, error.code)

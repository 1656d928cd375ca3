"""faster-whisper for `npm run bench:speech`: one JSON job a line on standard input, one JSON answer a line on standard output."""

import json
import os
import sys
import time

from faster_whisper import WhisperModel

folder, threads = sys.argv[1], int(sys.argv[2])
model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    started, processor = time.perf_counter(), time.process_time()
    # Its own defaults: five beams, no voice detection, what was said before as context.
    segments, info = model.transcribe(job["file"], beam_size=5, language=job.get("language"))
    text = "".join(segment.text for segment in segments)
    answer = {
        "text": text,
        "language": info.language,
        "seconds": time.perf_counter() - started,
        "processorSeconds": time.process_time() - processor,
    }
    print(json.dumps(answer), flush=True)

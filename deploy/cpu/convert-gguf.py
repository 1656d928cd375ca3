"""Writes the weights of a GGUF file (Qwen2, Llama and their kind) as the safetensors folder that vLLM serves.

usage: python convert-gguf.py MODEL.gguf FOLDER

For machines where the model's own safetensors cannot be fetched, and for tests. The values are those of the GGUF file: what its
quantisation lost stays lost. The folder appears whole or not at all. Needs torch, transformers, accelerate and gguf.
"""

import os
import shutil
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is fetched; read when transformers is imported

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def convert(source: Path, target: Path) -> None:
    # Both loaders take a folder and the name of a file in it.
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    # Without `dequantize` the weights stay packed, and it looks on the network for a kernel to compute with them.
    plain = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, dtype=torch.bfloat16, quantization_config=plain
    )
    # The weights are plain numbers by now; without this they would be saved as quantised ones.
    model.hf_quantizer = None
    model.is_quantized = False
    model.quantization_method = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished)
    tokenizer.save_pretrained(unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not Path(sys.argv[1]).is_file():
        sys.exit(f"there is no file {sys.argv[1]}")
    convert(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())

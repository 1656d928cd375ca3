/** A weight matrix `[outputs, inputs]` as 8-bit integers with one scale an output, turned to `[inputs, outputs]`. */
export type QuantisedMatrix = { codes: Uint8Array; scales: Float32Array };

/**
 * Symmetric around code 128: weight ≈ (code − 128) × scale. Unsigned, because on processors without VNNI the signed kernels of
 * ONNX Runtime saturate 16-bit sums, which makes them wrong without a word.
 */
export function quantiseMatrix(weights: Float32Array, outputs: number, inputs: number): QuantisedMatrix {
  const codes = new Uint8Array(outputs * inputs);
  const scales = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const start = output * inputs;
    let largest = 0;
    for (let input = 0; input < inputs; input++)
      largest = Math.max(largest, Math.abs(weights[start + input] as number));
    scales[output] = largest / 127;
    const inverse = largest === 0 ? 0 : 127 / largest;
    for (let input = 0; input < inputs; input++) {
      codes[input * outputs + output] = Math.round((weights[start + input] as number) * inverse) + 128;
    }
  }
  return { codes, scales };
}

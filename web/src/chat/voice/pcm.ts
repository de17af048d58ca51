/** Samples of -1 … 1 as 16-bit little-endian PCM; what is louder is clipped. */
export function toPcm(samples: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(samples.length * 2))
  samples.forEach((sample, index) => {
    const clipped = Math.max(-1, Math.min(1, sample))
    view.setInt16(index * 2, Math.round(clipped * (clipped < 0 ? 0x8000 : 0x7fff)), true)
  })
  return view.buffer
}

/** An odd last byte is dropped: half a sample is no sound. */
export function fromPcm(pcm: ArrayBuffer): Float32Array {
  const view = new DataView(pcm)
  return Float32Array.from({ length: pcm.byteLength >> 1 }, (_, index) => view.getInt16(index * 2, true) / 0x8000)
}

/** Loudness as a meter shows it: 0 for a quiet room, 1 for a raised voice. */
export function level(samples: Float32Array): number {
  if (samples.length === 0) return 0
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  const decibels = 10 * Math.log10(power + 1e-10)
  return Math.max(0, Math.min(1, (decibels + 55) / 45))
}

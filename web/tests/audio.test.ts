import { afterEach, describe, expect, it, vi } from 'vitest'
import { audioProblem, missingSupport } from '@/chat/voice/audio'
import { JitterBuffer } from '@/chat/voice/jitter'
import { fromPcm, level, toPcm } from '@/chat/voice/pcm'
import { Resampler } from '@/chat/voice/resampler'

const tone = (hertz: number, rate: number, seconds: number) =>
  Float32Array.from({ length: rate * seconds }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate))
const rms = (samples: Float32Array) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)

function inBlocks(resampler: Resampler, samples: Float32Array, size: number): Float32Array {
  const parts: number[] = []
  for (let at = 0; at < samples.length; at += size) parts.push(...resampler.push(samples.subarray(at, at + size)))
  return Float32Array.from(parts)
}

describe('the resampler', () => {
  it.each([[48_000, 16_000], [44_100, 16_000], [16_000, 48_000], [16_000, 44_100], [8_000, 16_000], [16_000, 16_000]])(
    'keeps a tone from %i to %i and gives as many samples as the time has',
    (from, to) => {
      const output = inBlocks(new Resampler(from, to), tone(440, from, 1), 128)
      expect(Math.abs(output.length - to)).toBeLessThan(to / 250)
      const error = output.map((sample, index) => sample - Math.sin((2 * Math.PI * 440 * index) / to))
      expect(rms(error.subarray(200))).toBeLessThan(0.005)
    },
  )

  it('removes what would fold back into speech', () => {
    const output = inBlocks(new Resampler(48_000, 16_000), tone(10_000, 48_000, 0.5), 128)
    expect(rms(output.subarray(200))).toBeLessThan(0.003)
  })

  it('has no seam between blocks of any size', () => {
    const samples = tone(1_000, 44_100, 0.3)
    expect([...inBlocks(new Resampler(44_100, 16_000), samples, 7)]).toEqual([...inBlocks(new Resampler(44_100, 16_000), samples, 4_410)])
  })
})

describe('a resampler that starts anew', () => {
  it('gives nothing of what came before', () => {
    const resampler = new Resampler(16_000, 44_100)
    resampler.push(tone(440, 16_000, 0.1))
    resampler.restart()
    expect(rms(resampler.push(new Float32Array(1_600)))).toBe(0)
  })
})

describe('PCM', () => {
  it('comes back as it went, little-endian and clipped', () => {
    const pcm = toPcm(Float32Array.of(0, 1, -1, 2, -2, 0.5))
    expect([...new Uint8Array(pcm)].slice(0, 6)).toEqual([0, 0, 0xff, 0x7f, 0, 0x80])
    const back = fromPcm(pcm)
    expect(back[3]).toBeCloseTo(1, 3)
    expect(back[4]).toBe(-1)
    expect(back[5]).toBeCloseTo(0.5, 3)
  })

  it('drops an odd last byte', () => {
    expect(fromPcm(new ArrayBuffer(5))).toHaveLength(2)
  })

  it('is measured from silence to a raised voice', () => {
    expect(level(new Float32Array(512))).toBe(0)
    expect(level(new Float32Array(0))).toBe(0)
    expect(level(tone(200, 16_000, 0.1))).toBe(1)
    const quiet = level(tone(200, 16_000, 0.1).map((sample) => sample * 0.02))
    expect(quiet).toBeGreaterThan(0.1)
    expect(quiet).toBeLessThan(0.6)
  })
})

describe('the jitter buffer', () => {
  const pull = (buffer: JitterBuffer, samples: number) => {
    const out = new Float32Array(samples).fill(9)
    buffer.pull(out)
    return [...out]
  }
  const block = (...samples: number[]) => Float32Array.from(samples)

  it('waits until a little has gathered, then plays over the blocks without a gap', () => {
    const buffer = new JitterBuffer(4, 100)
    buffer.push(block(1, 2))
    expect(pull(buffer, 2)).toEqual([0, 0])
    buffer.push(block(3, 4, 5))
    expect(pull(buffer, 3)).toEqual([1, 2, 3])
    expect(pull(buffer, 3)).toEqual([4, 5, 0])
    expect(buffer.played).toBe(5)
  })

  it('gathers again after it ran dry', () => {
    const buffer = new JitterBuffer(2, 100)
    buffer.push(block(1, 2))
    expect(pull(buffer, 2)).toEqual([1, 2])
    buffer.push(block(3))
    expect(pull(buffer, 1)).toEqual([0])
    buffer.push(block(4))
    expect(pull(buffer, 2)).toEqual([3, 4])
  })

  it('plays a last word that is too short to gather', () => {
    const buffer = new JitterBuffer(100, 4)
    buffer.push(block(1))
    expect(pull(buffer, 2)).toEqual([0, 0])
    expect(pull(buffer, 2)).toEqual([1, 0])
  })

  it('is silent after a flush and counts on from what the server believes', () => {
    const buffer = new JitterBuffer(2, 100)
    buffer.push(block(1, 2, 3, 4))
    pull(buffer, 2)
    buffer.flush(1)
    expect(pull(buffer, 2)).toEqual([0, 0])
    expect(buffer.buffered).toBe(0)
    buffer.push(block(7, 8))
    expect(pull(buffer, 2)).toEqual([7, 8])
    expect(buffer.played).toBe(3)
  })
})

describe('what keeps a browser from speaking', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('is an insecure page before an old browser', () => {
    vi.stubGlobal('isSecureContext', false)
    expect(missingSupport()).toBe('insecure')
    vi.stubGlobal('isSecureContext', true)
    expect(missingSupport()).toBe('old_browser')
  })

  it('is told by the names of its errors', () => {
    expect(audioProblem(new DOMException('', 'NotAllowedError'))).toBe('refused')
    expect(audioProblem(new DOMException('', 'NotFoundError'))).toBe('no_microphone')
    expect(audioProblem(new DOMException('', 'NotReadableError'))).toBe('microphone_busy')
    expect(audioProblem(new Error('?'))).toBe('no_audio')
  })
})

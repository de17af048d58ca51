import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Tree = { [key: string]: string | Tree }
const SRC = join(import.meta.dirname, '../src')

function read(path: string): Tree {
  return JSON.parse(readFileSync(join(SRC, path), 'utf8')) as Tree
}

function leaves(tree: Tree, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string' ? [[`${prefix}${key}`, value] as const] : [...leaves(value, `${prefix}${key}.`)],
    ),
  )
}

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()

describe.each(['shared', 'chat', 'console'])('locales of %s', (room) => {
  const zh = leaves(read(`${room}/locales/zh-CN.json`))
  const en = leaves(read(`${room}/locales/en.json`))

  it('have the same keys', () => {
    expect([...en.keys()].sort()).toEqual([...zh.keys()].sort())
  })

  it('have the same placeholders and no empty text', () => {
    for (const [key, text] of zh) {
      expect(text, key).not.toBe('')
      expect(en.get(key), key).not.toBe('')
      expect(placeholders(en.get(key) ?? ''), key).toEqual(placeholders(text))
    }
  })
})

describe.each(['chat', 'console'])('sources of %s', (room) => {
  const known = new Set([...leaves(read('shared/locales/zh-CN.json')).keys(), ...leaves(read(`${room}/locales/zh-CN.json`)).keys()])
  const files = readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' }).filter((file) => /\.(vue|ts)$/.test(file))

  it('ask only for keys that exist', () => {
    for (const file of files) {
      const text = readFileSync(join(SRC, room, file), 'utf8')
      for (const [, key = ''] of text.matchAll(/\bt\('([\w.]+)'/g)) expect(known, `${file}: ${key}`).toContain(key)
    }
  })

  it('hold no Chinese outside the locales', () => {
    for (const file of files) {
      const text = readFileSync(join(SRC, room, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$|<!--[\s\S]*?-->/gm, '')
      expect(text, file).not.toMatch(/[\u4e00-\u9fff]/)
    }
  })
})

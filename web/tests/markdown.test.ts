import { describe, expect, it } from 'vitest'
import { decodeHTML } from '@/shared/entities'
import { renderMarkdown } from '@/shared/markdown'

function parsed(text: string): HTMLElement {
  const box = document.createElement('div')
  box.innerHTML = renderMarkdown(text)
  return box
}

const VECTORS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<div onclick="alert(1)">\n\n**x**\n\n</div>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<<script>script>alert(1)<</script>/script>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java&#115;cript:alert(1))',
  '[x](&#x6A;avascript&colon;alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[x](vbscript:msgbox)',
  '<javascript:alert(1)>',
  '![x](https://evil.example/track.png)',
  '![x](javascript:alert(1))',
  '[![x](x"onerror="alert(1))](https://bank.example)',
  '[x](https://a.example "onmouseover=alert(1)")',
  '> <img src=x onerror=alert(1)>\n> - <script>alert(1)</script>\n>   - [y](javascript:alert(2))',
  '| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [z](javascript:alert(1)) |',
  '```html\n<script>alert(1)</script>\n```',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '<form action="https://evil.example"><input name=password></form>',
  '<style>body{background:url(https://evil.example)}</style>',
  '<a href="https://evil.example" style="position:fixed;inset:0">x</a>',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
]

describe('renderMarkdown', () => {
  it.each(VECTORS)('lets nothing active through: %s', (vector) => {
    const box = parsed(vector)
    expect(box.querySelector('script, img, svg, iframe, form, input, style, object, embed, math')).toBeNull()
    for (const element of box.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^style$/i)
        if (name === 'href') expect(value).toMatch(/^(https?:|mailto:|tel:)/i)
      }
    }
  })

  it('shows raw HTML as the text that it is', () => {
    expect(parsed('<b>5 < 6 & 7</b>').textContent?.trim()).toBe('<b>5 < 6 & 7</b>')
  })

  it('renders what articles use: emphasis, steps, quotes, tables', () => {
    const box = parsed('请**立即挂失**：\n\n1. 打开手机银行\n2. 选择挂失\n\n> 注意\n\n| 项目 | 费用 |\n|---|---|\n| 挂失 | 20 元 |')
    expect(box.querySelector('strong')?.textContent).toBe('立即挂失')
    expect(box.querySelectorAll('ol > li')).toHaveLength(2)
    expect(box.querySelector('blockquote')).not.toBeNull()
    expect(box.querySelector('.table-scroll > table td')?.textContent).toBe('挂失')
  })

  it('opens links apart from the conversation and tells the target nothing', () => {
    const link = parsed('[官网](https://bank.example/a?b=1&c=2)').querySelector('a')
    expect(link?.getAttribute('href')).toBe('https://bank.example/a?b=1&c=2')
    expect(link?.target).toBe('_blank')
    expect(link?.rel).toContain('noopener')
  })

  it('makes no link of a number or a file name', () => {
    expect(parsed('利率 3.5，见 readme.md 和 a@b.cn').querySelector('a')).toBeNull()
  })
})

describe('decodeHTML', () => {
  it('decodes references as the package does that it stands for', () => {
    expect(decodeHTML('&amp; &lt; &copy; &#20803; &nope;')).toBe('& < © 元 &nope;')
  })

  it('leaves markup alone', () => {
    expect(decodeHTML('</textarea><b>&gt;')).toBe('</textarea><b>>')
  })
})

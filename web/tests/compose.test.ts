import { mount } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { defineComponent, ref } from 'vue'
import { useCompose } from '@/shared/useCompose'

function composer(send = vi.fn(), limit = 10) {
  const wrapper = mount(
    defineComponent({
      setup: () => useCompose(ref(limit), send),
      template: '<div />',
      render: () => null,
    }),
  )
  return { vm: wrapper.vm, send }
}

function key(init: KeyboardEventInit & { keyCode?: number } = {}): KeyboardEvent {
  return new KeyboardEvent('keydown', { key: 'Enter', cancelable: true, ...init })
}

describe('useCompose', () => {
  it('sends on Enter, trimmed, and is empty afterwards', () => {
    const { vm, send } = composer()
    vm.text = '  你好 '
    const event = key()
    expect(vm.onKeydown(event)).toBe(true)
    expect(event.defaultPrevented).toBe(true)
    expect(send).toHaveBeenCalledExactlyOnceWith('你好')
    expect(vm.text).toBe('')
  })

  it('breaks the line on Shift+Enter', () => {
    const { vm, send } = composer()
    vm.text = '你好'
    const event = key({ shiftKey: true })
    vm.onKeydown(event)
    expect(event.defaultPrevented).toBe(false)
    expect(send).not.toHaveBeenCalled()
  })

  it('leaves Enter to the input method while composing', () => {
    const { vm, send } = composer()
    vm.text = 'nihao'
    vm.onCompositionstart()
    vm.onKeydown(key())
    vm.onCompositionend()
    vm.onKeydown(key({ isComposing: true }))
    // Safari: the composition has ended already, only the key code is left.
    vm.onKeydown(key({ keyCode: 229 }))
    expect(send).not.toHaveBeenCalled()
    vm.onKeydown(key())
    expect(send).toHaveBeenCalledOnce()
  })

  it('counts characters as the server does, and only near the limit', () => {
    const { vm } = composer()
    vm.text = '一二三'
    expect(vm.left).toBeNull()
    vm.text = '一二三四五六七八😀'
    expect(vm.left).toBe(1)
  })

  it('sends neither nothing nor too much', () => {
    const { vm, send } = composer()
    for (const text of ['', '  \n ', '一二三四五六七八九十一']) {
      vm.text = text
      vm.onKeydown(key())
    }
    expect(send).not.toHaveBeenCalled()
    expect(vm.over).toBe(1)
    expect(vm.text).toHaveLength(11)
  })
})

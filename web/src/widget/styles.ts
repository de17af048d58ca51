/** Styles of the launcher and its window; they live in the shadow root, so that neither page disturbs the other. */
export const STYLES = `
:host { all: initial; }
* { box-sizing: border-box; }
.launcher, .window { position: fixed; z-index: 2147483000; }
.launcher {
  bottom: max(20px, env(safe-area-inset-bottom)); display: flex; align-items: center; gap: 8px; height: 56px; padding: 0 20px 0 16px;
  border: 0; border-radius: 28px; background: #0b4f61; color: #fff; cursor: pointer; box-shadow: 0 8px 28px rgb(7 53 66 / 35%);
  font: 600 16px/1 -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Segoe UI", sans-serif;
  transition: background-color .15s, transform .15s;
}
.launcher:hover { background: #0b5a6e; transform: translateY(-2px); }
.launcher:focus-visible { outline: 3px solid #1a8ba8; outline-offset: 3px; }
.launcher svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.launcher[hidden], .window[hidden] { display: none; }
.badge {
  position: absolute; top: -5px; min-width: 22px; height: 22px; padding: 0 6px; border: 2px solid #fff; border-radius: 11px;
  background: #c0392b; color: #fff; font-size: 12px; font-weight: 700; line-height: 18px; text-align: center;
}
.right.launcher, .right.window { right: 20px; } .right .badge { left: -6px; }
.left.launcher, .left.window { left: 20px; } .left .badge { right: -6px; }
.window {
  bottom: 20px; width: 400px; height: min(680px, calc(100vh - 40px)); overflow: hidden; border-radius: 16px; background: #f4f0e8;
  box-shadow: 0 16px 56px rgb(7 53 66 / 32%);
}
iframe { display: block; width: 100%; height: 100%; border: 0; }
@media (max-width: 520px), (max-height: 480px) {
  .window.window { inset: 0; width: 100%; height: 100%; height: 100dvh; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .window:not([hidden]) { animation: rise .2s ease-out; }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
}
`

/** A handful of articles, enough to click through the pages. */
const related = (...keys) => keys.map((key) => ({ key, question: QUESTIONS[key] }))

const QUESTIONS = {
  'credit.lost': '信用卡丢了怎么办',
  'debit.lost': '储蓄卡丢失怎么挂失',
  'credit.limit': '信用卡额度怎么查询',
  'credit.repay': '信用卡怎么还款',
  'transfer.limit': '手机银行转账限额是多少',
  'transfer.fee': '跨行转账要手续费吗',
  'password.reset': '忘记登录密码怎么办',
  'account.open': '如何开立个人银行账户',
  'deposit.rate': '定期存款利率是多少',
}

const TEXTS = {
  'credit.lost': `请**立即挂失**，挂失后卡片不能再被使用：

1. 手机银行：**我的 → 信用卡 → 挂失/补卡**，选择卡片并确认；
2. 电话：拨打客服热线，按语音提示挂失；
3. 网点：带本人身份证到任一网点办理。

> 如发现卡片已被盗刷，请马上点“转人工”，我们会优先处理。

| 项目 | 说明（示例） |
|---|---|
| 挂失费 | 20 元/卡 |
| 补卡时间 | 5–7 个工作日 |
| 快递 | 免费寄送 |`,
  'transfer.limit': `手机银行转账限额由**认证方式**决定（示例）：

| 认证方式 | 单笔 | 每日累计 |
|---|---|---|
| 短信验证码 | 5 万元 | 20 万元 |
| 人脸识别 | 20 万元 | 50 万元 |
| 安全盾 | 100 万元 | 500 万元 |

需要调高限额时，请带身份证到网点签约，或在 *设置 → 转账限额* 里申请。`,
}

const CATEGORY = { credit: '信用卡', debit: '借记卡', transfer: '转账汇款', password: '安全与密码', account: '账户服务/开户', deposit: '存款' }

export const ARTICLES = Object.fromEntries(
  Object.entries(QUESTIONS).map(([key, question], index) => [
    key,
    {
      key,
      version: (index % 3) + 1,
      question,
      category: CATEGORY[key.split('.')[0]],
      text: TEXTS[key] ?? `关于“${question}”：\n\n1. 打开手机银行，进入对应的功能；\n2. 按页面提示核对本人信息；\n3. 提交后一般**当天**生效。\n\n需要带上：*本人身份证*。金额与时间均为示例。`,
      spoken: question,
      tags: ['常见问题'],
      related: [],
    },
  ]),
)
ARTICLES['credit.lost'].related = related('debit.lost', 'credit.repay', 'credit.limit')
ARTICLES['transfer.limit'].related = related('transfer.fee', 'password.reset')

export const TOPICS = related('credit.lost', 'transfer.limit', 'password.reset', 'credit.repay', 'account.open', 'deposit.rate')

/** Ranks by shared characters: crude, but it moves when one types. */
export function search(text, k = 5) {
  const letters = new Set(text)
  const candidates = Object.values(ARTICLES)
    .map(({ key, question, version }) => {
      const shared = [...new Set(question)].filter((letter) => letters.has(letter)).length
      return { key, question, matched: question, version, score: Math.min(0.99, shared / Math.max(4, new Set(question).size)) }
    })
    .filter((candidate) => candidate.score > 0.12)
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
  const best = candidates[0]?.score ?? 0
  const decision = best > 0.6 ? 'answer' : best > 0.25 ? 'clarify' : 'unrecognised'
  return { decision, confidence: best, candidates, answer: decision === 'answer' ? ARTICLES[candidates[0].key] : null }
}

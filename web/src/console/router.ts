import { createRouter, createWebHashHistory } from 'vue-router'
import { useAccount } from './stores/account'

/** Addresses behind `#`, so that the server need not know them. */
export const router = createRouter({
  history: createWebHashHistory('/console/'),
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue') },
    { path: '/password', name: 'password', component: () => import('./pages/PasswordPage.vue') },
    { path: '/', name: 'desk', component: () => import('./pages/HomePage.vue') },
    { path: '/:rest(.*)', redirect: '/' },
  ],
})

router.beforeEach(async (to) => {
  const account = useAccount()
  // Without an answer the login page is shown; it says by itself that the server is away.
  await account.restore().catch(() => undefined)
  if (!account.user && to.name !== 'login') return { name: 'login' }
  if (account.user && to.name === 'login') return { name: 'desk' }
  return true
})

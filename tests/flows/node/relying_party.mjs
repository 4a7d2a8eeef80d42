// An unmodified relying party on openid-client. It prints one JSON line for each step; what it needs
// a person for, it asks for: {"open": authorization URL}, and reads the callback URL from stdin.
import * as client from 'openid-client'
import { webcrypto } from 'node:crypto'
import readline from 'node:readline'

globalThis.crypto ??= webcrypto // Node.js 18, Debian's, has it under this name only

const { issuer, client_id, client_secret, method, redirect_uri, post_logout_redirect_uri } =
  JSON.parse(process.argv[2])
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => console.log(JSON.stringify(message))
const ask = async (url) => {
  say({ open: url.href })
  return new URL((await lines.next()).value)
}

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(client_secret),
  client_secret_post: () => client.ClientSecretPost(client_secret),
  none: () => client.None(),
}[method]()

const config = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
  execute: [client.allowInsecureRequests],
})

async function authorize(build) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const url = await build(config, {
    redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  })
  const callback = await ask(url)
  return client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  })
}

const tokens = await authorize(async (c, p) => client.buildAuthorizationUrl(c, p))
const claims = tokens.claims()
say({ id_token: claims })
say({ userinfo: await client.fetchUserInfo(config, tokens.access_token, claims.sub) })

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
say({ refreshed: { rotated: refreshed.refresh_token !== tokens.refresh_token, sub: refreshed.claims().sub } })

if (method !== 'none') {
  const before = await client.tokenIntrospection(config, refreshed.access_token)
  await client.tokenRevocation(config, refreshed.refresh_token)
  const after = await client.tokenIntrospection(config, refreshed.access_token)
  say({ introspection: { before, after } })
} else {
  await client.tokenRevocation(config, refreshed.refresh_token)
}

// A client without a secret may not push: anybody could, in its name (RFC 9126 §2.1).
const pushed = await authorize(
  client_secret ? client.buildAuthorizationUrlWithPAR : async (c, p) => client.buildAuthorizationUrl(c, p))
say({ pushed: pushed.claims() })

const logout = client.buildEndSessionUrl(config, {
  id_token_hint: pushed.id_token,
  post_logout_redirect_uri,
  state: 'goodbye',
})
say({ logout: (await ask(logout)).href })
process.exit(0)

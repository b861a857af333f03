// Verifies access tokens with nothing but the service's public keys, as a service that trusts it would.
// In:  {"jwks_uri": "…", "issuer": "…", "audience": "…", "tokens": ["…"]} on stdin.
// Out: a JSON array, one entry for each token: {"header": {…}, "payload": {…}} or {"error": "<code of jose>"}.
import { createRemoteJWKSet, jwtVerify } from 'jose'

let input = ''
for await (const chunk of process.stdin) input += chunk
const { jwks_uri, issuer, audience, tokens } = JSON.parse(input)

const keys = createRemoteJWKSet(new URL(jwks_uri))
const options = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'] }
const results = []
for (const token of tokens) {
  try {
    const { protectedHeader, payload } = await jwtVerify(token, keys, options)
    results.push({ header: protectedHeader, payload })
  } catch (error) {
    results.push({ error: error.code ?? String(error) })
  }
}
process.stdout.write(JSON.stringify(results))

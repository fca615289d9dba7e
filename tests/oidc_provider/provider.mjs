// Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
// npm oidc-provider, set up to treat its client as eSignet does. What to do stands on the first line
// of standard input, in JSON: see SigninProvider in tests/signin_provider.py. It ends when standard
// input does.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules] = process.argv.slice(2);
const { default: Provider } = await import(
  pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider'))
);

const CLAIMS = {
  openid: ['sub', 'individual_id'],
  profile: ['name', 'given_name', 'family_name', 'gender', 'birthdate'],
  email: ['email'],
  phone: ['phone_number'],
};

function configuration({ client, key, people, salt }) {
  return {
    clients: [client],
    clientAuthMethods: ['private_key_jwt'],
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid'],
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (ctx, account, { sectorIdentifier }) =>
      createHash('sha256').update(`${sectorIdentifier} ${account} ${salt}`).digest('hex'),
    acrValues: ['mosip:idp:acr:generated-code', 'mosip:idp:acr:static-code'],
    claims: { acr: null, auth_time: null, ...CLAIMS },
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS256', 'PS256'],
      idTokenSigningAlgValues: ['PS256', 'RS256'],
      userinfoSigningAlgValues: ['PS256', 'RS256'],
      userinfoEncryptionAlgValues: ['RSA-OAEP-256'],
      userinfoEncryptionEncValues: ['A128GCM', 'A256GCM'],
    },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => people[id] && { accountId: id, claims: () => ({ ...people[id], sub: id }) },
    loadExistingGrant,
  };
}

// The form tells what will be passed on: no page of its own asks for consent.
async function loadExistingGrant(ctx) {
  const { client, params, provider, requestParamClaims, session } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  grant.addOIDCClaims([...requestParamClaims]);
  await grant.save();
  return grant;
}

const page = (uid, people, problem) => `<!DOCTYPE html><html lang="en"><title>Sign in</title><link rel="icon" href="data:,">
<h1>National ID</h1><p>${problem}</p>
<form method="post" action="/interaction/${uid}">
${Object.keys(people).map((id) => `<label><input type="radio" name="login" value="${id}">${id}</label>`).join('\n')}
<label>Code <input name="code"></label>
<button name="answer" value="yes">Sign in</button>
<button name="answer" value="no" formnovalidate>Cancel</button>
</form></html>`;

async function readForm(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

// A person without a code that was given out cannot sign in; the code of the tests is always 111111.
async function interact(provider, people, request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  const show = (problem) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(page(uid, people, problem));
  if (request.method !== 'POST') return show('');
  const form = await readForm(request);
  if (form.get('answer') === 'no') {
    return provider.interactionFinished(request, response, { error: 'access_denied' });
  }
  const id = form.get('login');
  if (!people[id] || form.get('code') !== '111111') return show('That is not right.');
  const login = { accountId: id, acr: people[id].acr, amr: ['otp'] };
  return provider.interactionFinished(request, response, { login });
}

async function main() {
  const lines = createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  const [line] = await new Promise((resolve) => { lines.once('line', (...all) => resolve(all)); });
  const wanted = JSON.parse(line);
  const provider = new Provider(wanted.issuer, configuration(wanted));
  provider.on('server_error', (ctx, error) => console.error(error));
  for (const event of ['authorization.error', 'grant.error', 'userinfo.error', 'end_session.error']) {
    provider.on(event, (ctx, error) => console.error(event, error.message, error.error_detail ?? ''));
  }
  const callback = provider.callback();
  const server = createServer((request, response) => {
    if (!request.url.startsWith('/interaction/')) return callback(request, response);
    return interact(provider, wanted.people, request, response).catch((error) => {
      console.error(error);
      response.writeHead(400).end('This page is out of date.');
    });
  });
  server.listen(Number(new URL(wanted.issuer).port), '127.0.0.1', () => console.log('ready'));
}

await main();

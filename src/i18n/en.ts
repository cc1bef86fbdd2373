import { formatCount, formatDuration, formatUsd } from './duration.ts';
import { enBudget } from './en-budget.ts';
import { enAccess } from './en-access.ts';
import { enAudit } from './en-audit.ts';
import { enModels } from './en-models.ts';
import { enPlans } from './en-plans.ts';
import { enPayments } from './en-payments.ts';
import { amount, enQuota, METRICS, WINDOWS } from './en-quota.ts';
import { enUsage } from './en-usage.ts';
import { enPool } from './en-pool.ts';
import { enWhy } from './en-why.ts';
import { plural } from './plural.ts';
import { otherProvider, PROVIDER_NAMES } from './provider-names.ts';

/**
 * Everything Parley says, in English: the source of truth for keys and parameters. Texts are
 * Markdown. Amounts arrive as plain numbers in the unit that their name ends with.
 */

const wait = (waitMs: number): string => formatDuration('en', waitMs);
const count = (value: number): string => formatCount('en', value);
const usd = (nanoUsd: number): string => formatUsd('en', nanoUsd);

const STYLES: Record<string, string> = {
  chain: 'each chain of replies is a conversation of its own',
  thread: 'each question opens a thread; where that is not possible, each chain of replies is a conversation',
  channel: 'each channel is one conversation',
};
const OWN_KEY: Record<string, Record<string, string>> = {
  user: {
    refused:
      'Your OpenRouter key was refused, so I did not answer: it is unknown there, revoked or switched off.',
    spent:
      'Your OpenRouter key has nothing left to spend, so I did not answer: its limit is reached, or its account is empty.',
    unreadable:
      'I can’t open your stored OpenRouter key any more, so I did not answer. Please give it to me again.',
  },
  guild: {
    refused:
      'This community’s OpenRouter key was refused, so I did not answer: it is unknown there, revoked or switched off.',
    spent:
      'This community’s OpenRouter key has nothing left to spend, so I did not answer: its limit is reached, or its account is empty.',
    unreadable:
      'I can’t open this community’s stored OpenRouter key any more, so I did not answer. It has to be given to me again.',
  },
};
const ownKey = (whose: string): string => (whose === 'guild' ? 'This community’s key' : 'Your key');

export const en = {
  'refusal.stopped': () => 'An operator has paused me for now. Please try again later.',
  'refusal.access_denied': () =>
    "I'm set up for certain people and communities only, so I can't answer here.",
  'refusal.approval_needed': () =>
    'I need an operator’s approval before I can answer here. They see it with /guild list.',
  'refusal.empty_message': () =>
    'I can read text only, and there was none in that message. What would you like to ask?',
  'refusal.text_withheld': () =>
    'I can only read messages here that mention me, or that reply to me with the @ of the reply switched on. You can also use /ask.',
  'refusal.too_old': () =>
    'I was away for a while and missed what was written here. Please ask again what you still want to know.',
  'refusal.message_too_long': (p: { maxCharacters: number }) =>
    `That message is too long for me: ${count(p.maxCharacters)} characters are the most I can take. Could you shorten it or send it in pieces?`,
  'refusal.rate_limited': (p: { waitMs: number }) =>
    `That was a bit fast for me. Please try again in ${wait(p.waitMs)}.`,

  'failure.unauthorized': (p: { errorId: string }) =>
    `I'm not signed in with the model service properly, so I can't answer until my operator has fixed it. (${p.errorId})`,
  'failure.no_credits': (p: { errorId: string }) =>
    `My account with the model service has no credit left. My operator has to top it up. (${p.errorId})`,
  'failure.own_key': (p: { payer: string; why: string }) =>
    `${OWN_KEY[p.payer]?.[p.why] ?? ''} ${p.payer === 'guild' ? 'Those who manage it can put it right with `/key set for:server`, or give it up with `/key remove for:server`.' : '`/key set` or `/key connect` puts it right, `/key remove` gives it up.'}`,
  'failure.own_key_removed': () =>
    'The key that should have paid for this is not there any more, so I did not answer. Please ask again.',
  'failure.own_key_privacy': (p: { payer: string }) =>
    `The privacy settings of ${p.payer === 'guild' ? 'this community’s' : 'your'} OpenRouter account leave no model that may answer. ${p.payer === 'guild' ? 'Whoever gave the key' : 'You'} can change them at https://openrouter.ai/settings/privacy.`,
  'failure.own_key_free_spent': (p: { payer: string; waitMs: number }) =>
    `Today’s free answers of ${p.payer === 'guild' ? 'this community’s' : 'your'} OpenRouter account are used up. They start again in ${wait(p.waitMs)}.`,
  'failure.model_not_found': (p: { errorId: string }) =>
    `The model that I should use does not exist any more, and no other one was free to answer. (${p.errorId})`,
  'failure.free_spent': (p: { waitMs: number }) =>
    `Today’s allowance of free answers is used up for everybody. It starts again in ${wait(p.waitMs)}.`,
  'failure.rate_limited': (p: { waitMs: number }) =>
    `All models that I may use are busy right now. Please try again in ${wait(p.waitMs)}.`,
  'failure.chosen_model': (p: { model: string; errorId: string; waitMs: number }) =>
    `The model you chose, \`${p.model}\`, can’t answer at the moment${p.waitMs > 0 ? `; it may again in ${wait(p.waitMs)}` : ''}. You have not allowed another one to step in: \`/preferences fallback:on\` does that, \`/model reset\` leaves the choice to me. (${p.errorId})`,
  'failure.chosen_not_here': (p: { model: string }) =>
    `The model you chose, \`${p.model}\`, is not among those that may answer here. \`/model use\` chooses another one, \`/model reset\` leaves the choice to me.`,
  'failure.none_allowed': () =>
    'None of the models that this community allows can be used at the moment. Its admins can change that with `/settings`.',
  'failure.moderated': () => 'The model service declined to answer this. Could you put it differently?',
  'failure.context_too_long': () =>
    'This conversation has become too long for the model. Start a fresh one with /new, or ask something shorter.',
  'failure.invalid_request': (p: { errorId: string }) =>
    `The model service could not take this message as it is. Could you make it shorter, or put it differently? (${p.errorId})`,
  'failure.timeout': (p: { errorId: string }) =>
    `The models took too long to answer. Please try again in a moment. (${p.errorId})`,
  'failure.search': (p: { errorId: string }) =>
    `The search of the web failed, so I have not answered. Please try again in a moment, or ask without the search. (${p.errorId})`,
  'failure.search_unsupported': () =>
    'None of the models that may answer here can search the web. Ask without the search, or choose another model with `/model use`.',
  'failure.search_free_only': () =>
    'A search of the web costs money, and I am set to free answers only. Ask without the search, and I will answer from what I know.',
  'failure.search_guild_pays': () =>
    'A search of the web costs money, and this community’s key does not pay for searches. Ask without the search; those who manage it can allow them with `/settings search:on`.',
  'failure.unavailable': (p: { errorId: string }) =>
    `No model could answer just now. Please try again in a moment. (${p.errorId})`,
  'failure.unexpected': (p: { errorId: string }) =>
    `Something went wrong on my side. It has been noted as ${p.errorId}; please try again.`,
  'failure.store_waits': () =>
    'My memory is out of reach at the moment. I will answer as soon as it is back.',
  'failure.store_away': () => 'My memory is out of reach at the moment. Please try again in a minute.',

  'answer.partial': () => '⚠️ *The answer broke off here.*',
  'answer.cut_by_length': () => '✂️ *The answer was cut at its length limit.*',
  'answer.filtered': () => '⚠️ *The model service cut the answer here.*',
  'answer.not_allowed': () => '⚠️ My answer to this is not allowed here.',
  'answer.searched': (p: { searches: number; costNanoUsd: number }) =>
    `🔎 *Searched the web${p.searches > 1 ? ` ${count(p.searches)} times` : ''}*${p.costNanoUsd > 0 ? ` · ${usd(p.costNanoUsd)}` : ''}`,
  'answer.not_searched': () => '🔎 *The model answered without a search.*',
  'answer.stopped': () => '⏹️ *Stopped.*',

  'turn.cancelled': () => '⏹️ Stopped.',
  'turn.interrupted': () => 'I was interrupted before I could answer this. Press Continue, or ask again.',

  'button.stop': () => '⏹ Stop',
  'button.regenerate': () => '🔄 Again',
  'button.continue': () => '⏩ Continue',
  'button.why': () => '❔ Why?',
  'button.previous': () => '◀',
  'button.next': (p: { index: number; count: number }) => `${p.index}/${p.count} ▶`,
  'press.stopping': () => 'Stopping…',
  'press.again': () => 'Answering it again…',
  'press.continuing': () => 'Going on…',
  'press.queued': () => 'As soon as the answer before is complete.',
  'press.busy': () => 'This answer is being written at the moment.',
  'press.gone': () => 'The question is not there any more.',
  'press.not_running': () => 'That answer is not being written any more.',
  'press.not_yours': () => 'Only the person who asked or an admin can do that.',
  'press.unknown': () => 'That button does not work any more.',

  'command.unknown': (p: { name: string; suggestion: string }) =>
    p.suggestion === ''
      ? `I don't know the command /${p.name}. /help lists what I can do.`
      : `I don't know the command /${p.name}. Did you mean /${p.suggestion}? /help lists what I can do.`,
  'command.unknown_subcommand': (p: { written: string; known: string }) =>
    `I don't know ${p.written}. You can use ${p.known}.`,
  'command.option_missing': (p: { command: string; option: string; words: string }) =>
    `/${p.command} needs something more: please add \`${p.option}\` (${p.words}).`,
  'command.option_invalid': (p: { command: string; option: string; allowed: string }) =>
    `I can't read \`${p.option}\` of /${p.command}. It should be ${p.allowed}. Nothing was changed.`,
  'command.option_extra': (p: { command: string; extra: string }) =>
    `/${p.command} does not take “${p.extra}”.`,
  'command.allowed_integer': () => 'a whole number',
  'command.allowed_boolean': () => 'on or off',
  'command.guild_only': (p: { command: string }) => `/${p.command} works in groups and servers only.`,
  'command.private_only': (p: { command: string }) => `/${p.command} works in a private chat only.`,
  'command.admin_only': (p: { command: string }) => `/${p.command} is for those who manage this community.`,
  'command.operator_only': (p: { command: string }) => `/${p.command} is for my operators.`,

  'command.ask.description': () => 'Ask a question',
  'command.ask_about.description': () => 'Ask about a message',
  'command.ask_about.label': () => 'Ask about this',
  'command.why.description': () => 'How an answer came about: model, wait, cost',
  'command.new.description': () => 'Start a fresh conversation',
  'command.stop.description': () => 'Stop the answer that is being written',
  'command.model.description': () => 'The models that can answer, and choosing one',
  'command.model.list.description': () => 'The models that you can choose from',
  'command.model.search.description': () => 'Look for a model by its name',
  'command.model.info.description': () => 'What a model can do and what it costs',
  'command.model.use.description': () => 'Choose the model that answers you',
  'command.model.reset.description': () => 'Leave the choice of the model to me',
  'command.key.description': () => 'Pay with an OpenRouter key of your own',
  'command.key.show.description': () => 'What I and OpenRouter know of your key, or of this server’s',
  'command.key.set.description': () => 'Give me an OpenRouter key',
  'command.key.connect.description': () => 'Sign in with OpenRouter instead of typing a key',
  'command.key.code.description': () => 'Finish the sign-in with the code that it showed',
  'command.key.test.description': () => 'Ask OpenRouter whether the key is good',
  'command.key.remove.description': () => 'Make me forget the key',
  'command.preferences.description': () => 'What you have chosen for yourself',
  'command.usage.description': () => 'What you have used, and what is left',
  'command.cache.description': () => 'What the models remembered of this conversation, and what that saved',
  'command.stats.description': () => 'Figures of this community (for those who manage it)',
  'command.settings.description': () => 'How I work in this community (for those who manage it)',
  'command.help.description': () => 'What I can do',
  'command.start.description': () => 'Say hello',
  'command.guild.description': () =>
    'Which communities wait, and use me: approve, leave, block (for operators)',
  'option.question': () => 'question',
  'option.search': () => 'search the web',
  'option.days': () => 'number of days',
  'option.message': () => 'message',
  'option.conversations': () => 'kind of conversations',
  'option.action': () => 'action',
  'option.id': () => 'id',
  'option.payload': () => 'greeting',
  'option.model': () => 'model',
  'option.models': () => 'list of models',
  'option.query': () => 'name, or a part of it',
  'option.filter': () => 'filter',
  'option.page': () => 'page',
  'option.fallback': () => 'fallback',
  'option.temperature': () => 'temperature, 0 to 2',
  'option.max_tokens': () => 'longest answer, in tokens',
  'option.reset': () => 'forget them all',
  'option.for': () => 'whose key: me or server',
  'option.key': () => 'OpenRouter key (sk-or-…)',
  'option.code': () => 'code',

  'ask_about.question': () => 'Explain this message, and answer what it asks, if anything:',

  'settings.title': () => '**Settings of this community**',
  'settings.conversations': (p: { style: string }) => `Conversations: **${p.style}** – ${STYLES[p.style]}`,
  'settings.models': (p: { models: string }) =>
    p.models === '' ? 'Models: **all** that I offer' : `Models: only ${p.models}`,
  'settings.search': (p: { isAllowed: number }) =>
    `Web searches on this community’s own key: **${p.isAllowed === 1 ? 'on' : 'off'}**`,
  'settings.models_wrong': (p: { entry: string }) =>
    `I can't read “${p.entry}”. Write \`models:all\`, or a list such as \`models:free,google/*,deepseek/deepseek-v4\`.`,
  'settings.models_many': (p: { most: number }) =>
    `That list is too long for me: ${count(p.most)} entries are the most I can take.`,
  'settings.models_unknown': (p: { entries: string }) =>
    `I know no model like ${p.entries}, so nothing is changed. \`/model search\` finds models by their names.`,
  'settings.how': (p: { styles: string }) =>
    `Change it with \`/settings\` and one of these: ${p.styles}; or with \`/settings models:\` and what may answer: \`free\`, \`google/*\`, ids, or \`all\`; with \`/settings search:on\` or \`off\`; or with \`/settings timezone:Europe/Berlin\`.`,

  'guild.pending': () => '**Waiting for approval** (`/guild approve <id>`)',
  'guild.request': (p: { id: string; name: string }) => `- \`${p.id}\` ${p.name}`,
  'guild.none': () => 'Nobody waits for approval.',
  'guild.approved': (p: { id: string }) => `Approved: ${p.id}.`,
  'guild.unknown': (p: { id: string }) => `I have never heard from ${p.id}. /guild list shows who waits.`,

  'key.off': () => 'Keys of your own are switched off here.',
  'key.off_operator': () =>
    'Keys of your own are switched off here. To switch them on, set `ENCRYPTION_KEY` for me: 32 random bytes in base64, from `openssl rand -base64 32`.',
  'key.in_private': () => 'Others read along here. Please use /key in a private chat with me.',
  'key.sign_in_private': () =>
    'Others read along here, so I don’t show a sign-in. Use `/key set for:server` here, and then send me the key in private.',
  'key.where_server': () =>
    'I can’t tell which community you mean. Please use this command in the community that the key is for.',
  'key.exposed': () =>
    '⚠️ Others read along here, so I did not take that key. I take the message away if I may, but treat the key as seen: delete it at openrouter.ai/keys and make a new one. Then send it to me in a private chat, with /key set.',
  'key.send': (p: { whose: string }) =>
    `Please send me the ${p.whose === 'guild' ? 'community’s ' : ''}OpenRouter key (sk-or-…) as your next message here, within 10 minutes. I take that message away at once. Without typing a key it works with \`/key connect\`.`,
  'key.send_in_private': (_p: { whose: string }) =>
    'Please send me the OpenRouter key for this community (sk-or-…) as a message in our private chat, within 10 minutes. Don’t write it here.',
  'key.kept': (p: { whose: string; last4: string; before: string; givenBy: string }) =>
    `✅ ${p.whose === 'guild' ? 'From now on this community’s key pays for what is asked there' : 'From now on your key pays for what you ask'} (…${p.last4}).${p.before === '' ? '' : ` It takes the place of …${p.before}${p.givenBy === '' ? '' : `, which ${p.givenBy} had given`}.`} Free models answer unless ${p.whose === 'guild' ? 'admins name others with `/settings models:`' : 'you choose another one with `/model use`'}. I keep it encrypted and never show it; \`/key remove\` makes me forget it.`,
  'key.no_key': () =>
    'That is no OpenRouter key: those begin with sk-or-. I have not kept it, and sent it nowhere. You find yours at openrouter.ai/keys.',
  'key.management': () =>
    'That key manages other keys and can’t pay for answers, so I have not kept it. Please make a normal one at openrouter.ai/keys.',
  'key.not_good': () =>
    'OpenRouter does not accept that key: it is mistyped, revoked or switched off. I have not kept it.',
  'key.unreachable': () =>
    'I could not reach OpenRouter to check that, so nothing is changed. Please try again in a minute.',
  'key.unasked': () =>
    'That looked like a key, so I did not read it as a question, and kept nothing of it. To have it used, send `/key set` first. If you can still see the message, please delete it.',
  'key.unasked_off': () =>
    'That looked like a key, so I did not read it as a question, and kept nothing of it. Keys of your own are switched off here. If you can still see the message, please delete it.',
  'key.sign_in': (p: { url: string; comesBack: number; whose: string }) =>
    `[Sign in with OpenRouter](${p.url}) and allow a key for ${p.whose === 'guild' ? 'this community' : 'yourself'}, within 10 minutes. ${p.comesBack === 1 ? 'That is all.' : 'It then shows you a code: bring it to me with `/key code`.'} The link is for you alone: don’t pass it on.`,
  'key.code_none': () => 'You have not begun a sign-in. `/key connect` begins one.',
  'key.code_used': () => 'That sign-in is over already. `/key connect` begins a new one.',
  'key.code_expired': () =>
    'That took longer than 10 minutes, so the code is not good any more. `/key connect` begins anew.',
  'key.code_refused': () =>
    'OpenRouter does not accept that code: it was used before, is mistyped, or belongs to another sign-in than your last one. `/key connect` begins anew.',
  'key.none': (p: { whose: string }) =>
    p.whose === 'guild' ? 'This community has no key of its own.' : 'You have no key of your own.',
  'key.how': () =>
    '`/key connect` signs you in with OpenRouter, `/key set` takes a key that you have. It then pays in my operator’s place.',
  'key.title': (p: { whose: string; last4: string }) => `**${ownKey(p.whose)}**: OpenRouter, …${p.last4}`,
  'key.is_good': (p: { whose: string }) => `✅ ${ownKey(p.whose)} is good.`,
  'key.is_refused': (p: { whose: string }) =>
    `❌ ${ownKey(p.whose)} is refused by OpenRouter. Give me another one with \`/key set\`, or remove it with \`/key remove\`.`,
  'key.is_unknown': (_p: { whose: string }) => '❔ I could not reach OpenRouter to check it.',
  'key.is_unreadable': (p: { whose: string }) =>
    `❌ ${ownKey(p.whose)} can’t be opened any more and needs to be entered again, with \`/key set\` or \`/key connect\`.`,
  'key.no_limit': (p: { usedNanoUsd: number }) =>
    `No limit of its own; ${usd(p.usedNanoUsd)} spent with it so far`,
  'key.credit': (p: { remainingNanoUsd: number; usedNanoUsd: number }) =>
    `${usd(p.remainingNanoUsd)} left to spend, ${usd(p.usedNanoUsd)} spent with it so far`,
  'key.given': (p: { givenBy: string; on: string }) =>
    `Given ${p.givenBy === '' ? '' : `by ${p.givenBy} `}on ${p.on}`,
  'key.used': (p: { on: string }) => (p.on === '' ? 'Not used yet' : `Last used on ${p.on}`),
  'key.removed': (p: { whose: string; last4: string }) =>
    `🗑️ I have forgotten ${p.whose === 'guild' ? 'this community’s' : 'your'} key${p.last4 === '' ? '' : ` …${p.last4}`}. To make it useless everywhere, delete it at openrouter.ai/keys.`,
  'key.page_title': () => 'Sign-in with OpenRouter',
  'key.page_missing': () => 'OpenRouter sent no code along. Please begin again with /key connect.',
  'key.page_back': () => 'You can close this page and go back to the chat.',

  'new.done': () => '🆕 A fresh conversation. What is it about?',
  'stop.done': (p: { answers: number }) => `⏹️ Stopping ${plural(p.answers, 'answer', 'answers')}.`,
  'stop.nothing': () => 'There is nothing to stop.',
  'start.hello': (p: { name: string }) =>
    `Hello ${p.name}! I'm Parley, an AI assistant. Write to me here, or mention me in a group or server. /help lists what I can do.`,
  'help.intro': () =>
    '**Parley** answers when you write to it in private, mention it, or reply to it. These commands work too:',
  'help.line': (p: { command: string; description: string }) => `- /${p.command} – ${p.description}`,

  'usage.title': () => '**Your usage**',
  'usage.today': () => 'Today',
  'usage.month': () => 'This month',
  'usage.line': (p: { label: string; requests: number; tokens: number; costNanoUsd: number }) =>
    `${p.label}: ${plural(p.requests, 'message', 'messages')}, ${plural(p.tokens, 'token', 'tokens')}, ${usd(p.costNanoUsd)}`,
  'usage.providers': () => '**This month by provider**',
  'usage.provider': (p: { provider: string; calls: number; tokens: number; costNanoUsd: number }) =>
    `- ${PROVIDER_NAMES[p.provider] ?? 'Not known'}: ${plural(p.calls, 'call', 'calls')}, ${plural(p.tokens, 'token', 'tokens')}, ${usd(p.costNanoUsd)}`,
  'usage.limits': () => '**What is left**',
  'usage.limit': (p: {
    subject: string;
    metric: string;
    window: string;
    used: number;
    limit: number;
    waitMs: number;
  }) =>
    `- ${p.subject === 'guild' ? 'Community' : 'You'}, ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${amount(p.metric, p.used)} of ${amount(p.metric, p.limit)} used, starts again in ${wait(p.waitMs)}`,

  'cache.title': () => '**Caching in this conversation**',
  'cache.messages': (p: { messages: number }) => plural(p.messages, 'message', 'messages'),
  'cache.tokens': (p: { promptTokens: number; cachedTokens: number; percent: number }) =>
    `${count(p.cachedTokens)} of ${plural(p.promptTokens, 'token', 'tokens')} read from the cache: a hit rate of ${count(Math.round(p.percent))}%`,
  'cache.saved': (p: { savedNanoUsd: number }) =>
    p.savedNanoUsd < 0
      ? `cost ${usd(-p.savedNanoUsd)} more than without the cache so far; that usually pays off as the conversation goes on`
      : `${usd(p.savedNanoUsd)} saved`,
  'cache.none': () =>
    'There is no conversation here yet. Ask me something first, and /cache will tell how much of it the models remembered.',

  'stats.title': (p: { days: number; guild: string }) =>
    `**${p.guild === '' ? 'Your private conversations' : p.guild}**, last ${plural(p.days, 'day', 'days')}`,
  'stats.totals': (p: { requests: number; tokens: number; costNanoUsd: number; users: number }) =>
    `${plural(p.requests, 'message', 'messages')} from ${plural(p.users, 'person', 'people')}, ${plural(p.tokens, 'token', 'tokens')}, ${usd(p.costNanoUsd)}`,
  'stats.outcomes': (p: { answered: number; failed: number }) =>
    `${count(p.answered)} answered, ${count(p.failed)} failed`,
  'stats.models': () => '**Models**',
  'stats.model': (p: {
    model: string;
    provider: string;
    requests: number;
    failures: number;
    tokens: number;
    costNanoUsd: number;
    firstTokenMs: number;
  }) =>
    `- \`${p.model}\`${otherProvider(p.provider)}: ${plural(p.requests, 'answer', 'answers')}, ${plural(p.failures, 'failure', 'failures')}, ${plural(p.tokens, 'token', 'tokens')}, ${usd(p.costNanoUsd)}${p.firstTokenMs < 0 ? '' : `, first word after ${count(Math.round(p.firstTokenMs))} ms`}`,
  'stats.providers': () => '**Providers**',
  'stats.users': () => '**Most active**',
  'stats.user': (p: { name: string; requests: number; tokens: number }) =>
    `- ${p.name}: ${plural(p.requests, 'message', 'messages')}, ${plural(p.tokens, 'token', 'tokens')}`,
  'stats.none': () => 'Nothing has been asked here yet.',

  'terminal.welcome': () =>
    'Parley in the terminal. Write a question and press Enter; /help lists the commands, Ctrl+D ends.',
  'terminal.simulated': () =>
    'No key is set that I may use for a model: answers are simulated. To make it real set OPENROUTER_API_KEY, or GEMINI_API_KEY or HF_TOKEN (with GEMINI_FREE=true or HF_FREE=true where that key costs nothing); for chats set DISCORD_TOKEN or TELEGRAM_BOT_TOKEN.',
  'terminal.earlier': () => '(answer to an earlier message)',
  ...enBudget,
  ...enWhy,
  ...enAccess,
  ...enAudit,
  ...enModels,
  ...enPayments,
  ...enPlans,
  ...enQuota,
  ...enUsage,
  ...enPool,
} as const;

export type Messages = typeof en;
export type MessageKey = keyof Messages;
/** The parameters that a message takes; `undefined` when it takes none. */
export type MessageParams<Key extends MessageKey> = Parameters<Messages[Key]>[0];
/** Another language: the same keys, each taking the same parameters. */
export type Translation = { readonly [Key in MessageKey]: (params: MessageParams<Key>) => string };

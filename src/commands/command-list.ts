import { askAbout } from './ask-about.ts';
import { ask } from './ask.ts';
import { budgetClear, budgetSet, budgetShow } from './budget.ts';
import { audit } from './audit.ts';
import { blockList, blockUser, unblock } from './block.ts';
import { cache } from './cache.ts';
import type { Command } from './command.ts';
import { guild } from './guild.ts';
import { help } from './help.ts';
import { keyCode, keyConnect, keyRemove, keySet, keyShow, keyTest } from './key.ts';
import { limitsClear, limitsSet, limitsShow } from './limits.ts';
import { modelInfo, modelReset, modelUse } from './model-choice.ts';
import { modelList, modelSearch } from './model-lists.ts';
import { startNew } from './new.ts';
import { paysupport } from './paysupport.ts';
import { planEdit, planGrant, planRefund, planRevoke, planSku } from './plan-operator.ts';
import { planCancel, planList, planShow, planSubscribe } from './plan.ts';
import { preferences } from './preferences.ts';
import { quotaClear, quotaExplain, quotaSet, quotaShow } from './quota.ts';
import { report, reportMessage } from './report.ts';
import { settings } from './settings.ts';
import { start } from './start.ts';
import { stats } from './stats.ts';
import { stop } from './stop.ts';
import { usage } from './usage.ts';
import { why } from './why.ts';

/** Every command, in the order in which lists show them; the first of a family is meant where no subcommand is written. */
export const commands: readonly Command[] = [
  ask,
  askAbout,
  startNew,
  stop,
  modelList,
  modelSearch,
  modelInfo,
  modelUse,
  modelReset,
  why,
  keyShow,
  keySet,
  keyConnect,
  keyCode,
  keyTest,
  keyRemove,
  preferences,
  usage,
  limitsShow,
  limitsSet,
  limitsClear,
  cache,
  stats,
  budgetShow,
  budgetSet,
  budgetClear,
  settings,
  quotaShow,
  quotaSet,
  quotaClear,
  quotaExplain,
  blockUser,
  blockList,
  unblock,
  audit,
  report,
  reportMessage,
  help,
  start,
  guild,
];

/** Those that are there where plans are served. */
export const planCommands: readonly Command[] = [
  planShow,
  planList,
  planSubscribe,
  planCancel,
  planGrant,
  planRevoke,
  planEdit,
  planSku,
  planRefund,
  paysupport,
];

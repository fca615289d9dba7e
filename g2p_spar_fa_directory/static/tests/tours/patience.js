/* Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details. */

const LONGEST_STEP = 30_000; // ms; Odoo's 10 s are not enough on a machine that is busy or slow

/** The steps of a tour, each with time enough on a slow machine. */
export const patient = (steps) => steps.map((step) => ({ timeout: LONGEST_STEP, ...step }));

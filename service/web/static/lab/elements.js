// @ts-check
// Elements of the page. index.html says of what kind each is, so `any` stands for that kind here.

/** @type {(id: string) => any} */
export const byId = (id) => document.getElementById(id);

/** @type {(selector: string) => any} */
export const first = (selector) => document.querySelector(selector);

/** @type {(selector: string) => NodeListOf<any>} */
export const all = (selector) => document.querySelectorAll(selector);

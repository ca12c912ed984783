/*<![CDATA[*/
/* SPDX-License-Identifier: LGPL-2.1-or-later */
"use strict";
/* The page is whole without this: it adds the filter, the sorting, and whole chains instead of links
 * from one cause to the next. Histories stand in <noscript>, which is but text where there is a script:
 * 20,000 of them would take long to be made elements of. They are when they are wanted. */
(() => {
	const LIMIT = 300; /* causes of one chain */
	const DEPTH = 20;
	const table = document.getElementById("outputs");
	const body = table.tBodies[0];
	const rows = Array.from(body.rows);
	const tools = document.getElementById("tools");
	const words = document.getElementById("words");
	const build = document.getElementById("build");
	const count = document.getElementById("count");
	const boxes = Array.from(tools.querySelectorAll("input[type=checkbox]"));
	const texts = new Map(); /* of rows, in small letters: path and command */
	const columns = { path: 1, command: 6 };

	/* ---- filter ---- */

	/* Its last child: there may be a flag in front. */
	function pathOf(row) {
		return row.cells[columns.path].lastChild.textContent;
	}

	function textOf(row) {
		let text = texts.get(row);
		if (text === undefined) {
			text = (pathOf(row) + " " + row.cells[columns.command].textContent).toLowerCase();
			texts.set(row, text);
		}
		return text;
	}

	function filter() {
		const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
		const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
		let shown = 0;
		for (const row of rows) {
			const fits = verdicts.has(row.dataset.w) && (build.value === "" || row.dataset.b === build.value)
				&& wanted.every((word) => textOf(row).includes(word));
			row.hidden = !fits;
			shown += fits ? 1 : 0;
		}
		count.textContent = shown + " of " + rows.length + " files";
	}

	function reset() {
		words.value = "";
		build.value = "";
		for (const box of boxes)
			box.checked = true;
		filter();
	}

	/* ---- sorting ---- */

	function keyOf(row, column, numbers) {
		const cell = row.cells[column];
		if (column === columns.path)
			return pathOf(row);
		const value = cell.dataset.v === undefined ? cell.textContent : cell.dataset.v;
		return numbers ? (value === "" ? -1 : Number(value)) : value;
	}

	function compare(a, b) {
		return a === b ? 0 : a > b ? 1 : -1;
	}

	function sort(head) {
		const numbers = head.dataset.k === "n";
		const before = head.getAttribute("aria-sort");
		/* numbers: the largest first */
		const down = before ? before === "ascending" : numbers;
		const keyed = rows.map((row, place) => [keyOf(row, head.cellIndex, numbers), place, row]);
		keyed.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])) || a[1] - b[1]);
		for (const other of head.parentNode.cells)
			other.removeAttribute("aria-sort");
		head.setAttribute("aria-sort", down ? "descending" : "ascending");
		const all = document.createDocumentFragment();
		for (const [, , row] of keyed)
			all.append(row);
		body.append(all);
	}

	/* ---- why ---- */

	function fill(details) {
		const raw = details.querySelector("noscript");
		if (raw)
			raw.replaceWith(...new DOMParser().parseFromString(raw.textContent, "text/html").body.childNodes);
	}

	let places = null; /* of entries' ids: the <details> */

	function entryOf(id) {
		if (!places) {
			places = new Map();
			for (const raw of body.querySelectorAll("noscript"))
				for (const match of raw.textContent.matchAll(/<li id="(e[0-9]+)"/g))
					places.set(match[1], raw.parentNode);
		}
		if (places.has(id))
			fill(places.get(id));
		return document.getElementById(id);
	}

	function tree(entry, told, depth) {
		const list = document.createElement("ul");
		for (const link of entry.querySelectorAll(":scope > .after > a")) {
			const item = document.createElement("li");
			const cause = entryOf(link.hash.slice(1));
			item.append(link.cloneNode(true));
			list.append(item);
			if (!cause)
				continue;
			item.append(" ", cause.querySelector(".s").cloneNode(true));
			if (told.has(cause.id)) {
				if (cause.querySelector(".after"))
					item.append(" \u2026");
				continue;
			}
			if (told.size === LIMIT || depth === DEPTH)
				continue;
			told.add(cause.id);
			const more = tree(cause, told, depth + 1);
			if (more.childElementCount)
				item.append(more);
		}
		return list;
	}

	function addChains(details) {
		fill(details);
		for (const entry of details.querySelectorAll("ol > li")) {
			const after = entry.querySelector(":scope > .after");
			if (!after || entry.querySelector(":scope > .chain"))
				continue;
			const chain = document.createElement("div");
			chain.className = "chain";
			chain.append(after.dataset.t, tree(entry, new Set([entry.id]), 0));
			if (after.dataset.m)
				chain.append(after.dataset.m);
			after.hidden = true;
			after.after(chain);
		}
	}

	function show(id) {
		const target = id ? entryOf(id) : null;
		const row = target ? target.closest("#outputs tbody tr") : null;
		if (!row)
			return;
		row.hidden = false;
		row.querySelector("details").open = true;
		target.scrollIntoView({ block: "center" });
	}

	/* ---- what is there only with a script ---- */

	for (const head of table.tHead.rows[0].cells) {
		if (!head.dataset.k)
			continue;
		const button = document.createElement("button");
		button.type = "button";
		button.append(...head.childNodes);
		head.append(button);
		button.addEventListener("click", () => sort(head));
	}
	body.addEventListener("toggle", (event) => {
		event.target.closest("tr").classList.toggle("open", event.target.open);
		if (event.target.open)
			addChains(event.target);
	}, true);
	body.addEventListener("click", (event) => {
		const details = event.target.closest("tr").querySelector("details");
		if (event.target.closest("a, details") || getSelection().toString())
			return;
		details.open = !details.open;
	});
	let due = 0;
	for (const kind of ["input", "change"])
		tools.addEventListener(kind, () => {
			cancelAnimationFrame(due);
			due = requestAnimationFrame(filter);
		});
	document.getElementById("reset").addEventListener("click", reset);
	window.addEventListener("hashchange", () => show(location.hash.slice(1)));
	table.className = "script";
	tools.hidden = false;
	filter();
	show(location.hash.slice(1));
})();
/*]]>*/

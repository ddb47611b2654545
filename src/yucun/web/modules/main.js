// What every page does beyond links and forms: keys, dialog, printing, swapping a table in place, the map and the wall.
import { readKeys } from "./keys.js";
import { swapTables } from "./swap.js";
import { walkMaps } from "./map.js";
import { turnWall } from "./wall.js";

readKeys(document);
swapTables(document);
walkMaps(document);
turnWall(document);

const print = document.querySelector("[data-print]");
print.hidden = false;
print.addEventListener("click", () => window.print());

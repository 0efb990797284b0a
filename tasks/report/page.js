"use strict";
// One player at a time; a click on a line, a time or the picture listens from there; a cursor shows where.
const players = [...document.querySelectorAll("audio")];
const tracks = document.getElementById("tracks");
const cursor = document.getElementById("cursor");
let current = players[0];

const play = (at) => {
  if (!current) return;
  current.preload = "auto";
  const start = () => { current.currentTime = at; current.play().catch(() => {}); };
  if (current.readyState > 0) start();
  else { current.addEventListener("loadedmetadata", start, { once: true }); current.load(); }
};
for (const player of players) {
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
    if (current !== player && current && player.currentTime === 0 && current.currentTime > 0) {
      player.currentTime = current.currentTime;
    }
    current = player;
  });
  player.addEventListener("timeupdate", () => {
    if (player !== current || !player.duration || !cursor) return;
    cursor.hidden = false;
    cursor.style.left = `${(100 * player.currentTime) / player.duration}%`;
  });
}
const length = Number(document.body.dataset.length);
document.addEventListener("click", (event) => {
  const zoom = event.target.closest("[data-zoom]");
  if (zoom) {
    tracks.style.setProperty("--zoom", zoom.dataset.zoom);
    for (const b of document.querySelectorAll("[data-zoom]")) b.setAttribute("aria-pressed", String(b === zoom));
    return;
  }
  const at = event.target.closest("[data-at]");
  if (at) return play(Number(at.dataset.at));
  if (tracks && tracks.contains(event.target)) {
    const box = tracks.getBoundingClientRect();
    play((length * (event.clientX - box.left)) / box.width);
  }
});

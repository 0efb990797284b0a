// The player beside the text: marks the line that is spoken, plays a line that is clicked, hears tracks in turn.
// Lines are `.sb-line[data-start][data-end]`, in order; a pencil sends its line's id to the server as "edit_line".
(function () {
  "use strict";
  const quiet = () => {}; // a play that a pause or another track cut short
  let audio, lines, starts, current = -1, stopAt = null, sample = null;

  function at(time) {
    let low = 0, high = starts.length - 1, found = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= time + 0.02) { found = middle; low = middle + 1; } else { high = middle - 1; }
    }
    return found >= 0 && time < Number(lines[found].dataset.end) + 0.15 ? found : -1;
  }

  function mark() {
    if (!audio || !audio.isConnected) return;
    if (stopAt !== null && audio.currentTime >= stopAt) { audio.pause(); stopAt = null; }
    const now = at(audio.currentTime);
    if (now === current) return;
    if (current >= 0) lines[current].removeAttribute("aria-current");
    current = now;
    if (now < 0) return;
    lines[now].setAttribute("aria-current", "true");
    const follow = document.getElementById("sb-follow");
    if (!audio.paused && follow && follow.checked) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      lines[now].scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    }
  }

  function tick() { mark(); if (audio && !audio.paused) requestAnimationFrame(tick); }

  function hear(line) {
    audio.currentTime = Number(line.dataset.start);
    stopAt = null;
    audio.play().catch(quiet);
    mark();
  }

  window.sbTrack = function (url) {
    const time = audio.currentTime, playing = !audio.paused;
    audio.src = url;
    audio.currentTime = time;
    if (playing) audio.play().catch(quiet);
  };

  window.sbSample = function (url) {
    if (audio) audio.pause();
    if (sample) sample.pause();
    sample = new Audio(url);
    sample.play().catch(quiet);
  };

  window.sbPlayer = function () {
    audio = document.getElementById("sb-audio");
    lines = Array.from(document.querySelectorAll(".sb-line"));
    starts = lines.map((line) => Number(line.dataset.start));
    current = -1;
    audio.addEventListener("play", () => { if (sample) sample.pause(); requestAnimationFrame(tick); });
    for (const name of ["timeupdate", "seeked", "pause"]) audio.addEventListener(name, mark);
    document.querySelector(".sb-text").addEventListener("click", (event) => {
      const line = event.target.closest(".sb-line");
      if (!line) return;
      if (event.target.closest(".sb-pencil")) emitEvent("edit_line", line.dataset.id);
      else if (event.target.closest(".sb-say")) hear(line);
    });
  };
})();

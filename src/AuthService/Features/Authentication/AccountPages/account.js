// Takes the token from behind the #, where no server has seen it, and sends it when its owner presses the button: programs that only open links in mails use nothing up.
"use strict";

const texts = {
  en: {
    verify_title: "Confirm your address", verify_button: "This address is mine", verify_done: "Thank you. The address is confirmed.",
    reset_title: "Set a new password", reset_label: "New password", reset_button: "Set it", reset_done: "The new password is set. Sign in with it; every other device was signed out.",
    not_valid: "This link has been used, is out of date, or was never good. Ask for another one.", weak: "Choose another password:", busy: "That did not work just now. Try again in a moment.",
  },
  ko: {
    verify_title: "이메일 주소 확인", verify_button: "제 주소가 맞습니다", verify_done: "감사합니다. 주소가 확인되었습니다.",
    reset_title: "새 비밀번호 설정", reset_label: "새 비밀번호", reset_button: "설정", reset_done: "새 비밀번호가 설정되었습니다. 이제 로그인하십시오. 다른 기기에서는 모두 로그아웃되었습니다.",
    not_valid: "이미 사용했거나 기한이 지났거나 올바르지 않은 링크입니다. 다시 요청해 주십시오.", weak: "다른 비밀번호를 선택해 주십시오:", busy: "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주십시오.",
  },
};

const language = (navigator.languages ?? []).map((l) => l.split("-")[0]).find((l) => l in texts) ?? "en";
const text = texts[language];
const page = location.pathname.endsWith("/verify") ? "verify" : "reset";
const token = location.hash.slice(1);
const form = document.querySelector("form");
const button = form.querySelector("button");
const said = document.getElementById("said");

document.documentElement.lang = language;
document.title = text[page + "_title"];
for (const element of document.querySelectorAll("[data-text]")) element.textContent = text[element.dataset.text];
// Out of the address bar and the history.
history.replaceState(null, "", location.pathname);
if (token === "") finish(text.not_valid);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  said.textContent = "";
  try {
    const answer = await fetch(document.body.dataset.call, {
      method: "POST", headers: { "Content-Type": "application/json" }, credentials: "omit",
      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
    });
    if (answer.status === 204) return finish(text[page + "_done"]);
    const problem = await answer.json();
    if (problem.code?.endsWith("_token_not_valid")) return finish(text.not_valid);
    said.textContent = problem.code === "http.invalid" ? [text.weak, ...problem.errors.map((e) => e.detail)].join(" ") : text.busy;
  } catch {
    said.textContent = text.busy;
  }
  button.disabled = false;
});

function finish(words) {
  form.hidden = true;
  said.textContent = words;
}

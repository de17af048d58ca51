"""One text turn through the whole path against Rasa's own answer to the same message, alternating, in the same run.

The baseline is Rasa's channel asked directly: its parse, its rule and its action, with the same model and
knowledge base. The product adds the gateway: two transactions that store the turn whole, ownership, and the
reply's composition.
"""

import asyncio
import itertools
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx

from core.secrets import ensure_secrets
from core.settings import Settings

MESSAGES = [
    "手机上一天最多能转出去多少",
    "信用卡这个月忘了还会怎么样",
    "你好",
    "我卡里还有多少钱",
    "外地能不能办销户",
    "定期没到期能取出来吗",
    "谢谢",
    "帮我查一下美元今天什么价",
    "卡被机器吞了怎么弄",
    "房贷想提前还一部分",
    "公司要开个账户带什么资料",
    "存款保险最多赔多少",
]
ROUNDS = 12
TURNS_PER_CONVERSATION = 12
CUSTOMERS = 16

Ask = Callable[[str], Awaitable[None]]


@dataclass
class Peers:
    """Both ways to the same answer."""

    settings: Settings
    http: httpx.AsyncClient
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def customer_of_rasa(self) -> Ask:
        sender, token = uuid.uuid4().hex, ensure_secrets(self.settings).internal_token

        async def ask(text: str) -> None:
            body = {"sender": sender, "message": text, "message_id": uuid.uuid4().hex, "metadata": {"channel": "web"}}
            url = f"{self.settings.rasa_url}/webhooks/gateway/message"
            (await self.http.post(url, json=body, headers={"X-Teller-Token": token})).raise_for_status()

        return ask

    async def customer_of_teller(self) -> Ask:
        url = f"{self.settings.app_url}/api/v1/chat/sessions"
        session = (await self.http.post(url, json={})).raise_for_status().json()

        async def ask(text: str) -> None:
            turns = f"{url}/{session['session']}/turns"
            reply = await self.http.post(turns, json={"text": text}, headers={"X-Session-Token": session["token"]})
            for stage, milliseconds in reply.raise_for_status().json()["timings_ms"].items():
                self.stages[stage].append(milliseconds)

        return ask


async def _timed(ask: Ask, text: str) -> float:
    started = time.perf_counter()
    await ask(text)
    return (time.perf_counter() - started) * 1000


async def latency(peers: Peers) -> tuple[list[float], list[float]]:
    """Milliseconds of each turn, Teller's and Rasa's, asked in turns."""
    ours: list[float] = []
    rasas: list[float] = []
    for _ in range(ROUNDS):
        teller, rasa = await peers.customer_of_teller(), peers.customer_of_rasa()
        for text in MESSAGES:
            ours.append(await _timed(teller, text))
            rasas.append(await _timed(rasa, text))
    return ours, rasas


async def throughput(customers: Sequence[Ask]) -> float:
    """Turns a second with all customers asking at once."""

    async def talk(ask: Ask, offset: int) -> None:
        for text in itertools.islice(itertools.cycle(MESSAGES), offset, offset + TURNS_PER_CONVERSATION):
            await ask(text)

    started = time.perf_counter()
    await asyncio.gather(*(talk(ask, i) for i, ask in enumerate(customers)))
    return len(customers) * TURNS_PER_CONVERSATION / (time.perf_counter() - started)


async def run(settings: Settings) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=64)) as http:
        peers = Peers(settings, http)
        await latency(Peers(settings, http))  # warm-up
        ours, rasas = await latency(peers)
        _print_latency(ours, rasas, peers.stages)
        rates = []
        for _ in range(3):
            rasa_rate = await throughput([peers.customer_of_rasa() for _ in range(CUSTOMERS)])
            our_rate = await throughput([await peers.customer_of_teller() for _ in range(CUSTOMERS)])
            rates.append((our_rate, rasa_rate))
        ratio = statistics.median(our_rate / rasa_rate for our_rate, rasa_rate in rates)
        print(f"throughput, {CUSTOMERS} customers at once (turns/s, Teller and Rasa alone): "
              + "  ".join(f"{a:.1f}/{b:.1f}" for a, b in rates) + f"   ratio {ratio:.2f} (at least 0.8)")  # fmt: skip


def _print_latency(ours: list[float], rasas: list[float], stages: dict[str, list[float]]) -> None:
    ratio = statistics.median(ours) / statistics.median(rasas)
    print(f"one text turn, {len(ours)} each, alternating: Teller median {statistics.median(ours):.1f} ms, "
          f"Rasa alone {statistics.median(rasas):.1f} ms, ratio {ratio:.2f} (at most 1.5)")  # fmt: skip
    print("where the time goes (median ms): "
          + ", ".join(f"{stage} {statistics.median(values):.1f}" for stage, values in stages.items()))  # fmt: skip


def main(settings: Settings) -> None:
    asyncio.run(run(settings))

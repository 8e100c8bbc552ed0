# Two people chat with matrix-nio: python chat.py URL. Prints "chatted" when everything that was said has arrived.
import asyncio
import sys

from nio import (
    AsyncClient,
    AsyncClientConfig,
    InviteMemberEvent,
    LoginResponse,
    RegisterResponse,
    RoomCreateResponse,
    RoomMessagesResponse,
    RoomMessageText,
    RoomSendResponse,
    SyncResponse,
)

MESSAGES = 10
TIMEOUT_SECONDS = 30


def expect(response, kind):
    if not isinstance(response, kind):
        raise AssertionError(f"{kind.__name__} was expected and this came: {response}")
    return response


async def come_in(url, name):
    client = AsyncClient(url, name, config=AsyncClientConfig(encryption_enabled=False))
    expect(await client.register(name, f"secret of {name}"), RegisterResponse)
    client.access_token = ""
    expect(await client.login(f"secret of {name}"), LoginResponse)
    return client


async def listen(client, heard):
    async def on_message(room, event):
        heard.append((event.sender, event.body))

    client.add_event_callback(on_message, RoomMessageText)
    await client.sync_forever(timeout=5000, full_state=True)


async def until(condition, what):
    for _ in range(TIMEOUT_SECONDS * 20):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited until {what}")


async def chat(anna, ben):
    invited = []

    async def on_invite(room, event):
        invited.append(room.room_id)

    ben.add_event_callback(on_invite, InviteMemberEvent)
    heard = {anna: [], ben: []}
    listeners = [asyncio.create_task(listen(client, heard[client])) for client in (anna, ben)]
    room = expect(await anna.room_create(name="nio", invite=[ben.user_id]), RoomCreateResponse).room_id
    await until(lambda: room in invited, "ben was invited")
    await ben.join(room)
    said = []
    for number in range(MESSAGES):
        for client in (anna, ben):
            content = {"msgtype": "m.text", "body": f"{number}"}
            expect(await client.room_send(room, "m.room.message", content), RoomSendResponse)
            said.append((client.user_id, f"{number}"))
    for client in (anna, ben):
        await until(lambda: len(heard[client]) >= len(said), f"{client.user_id} heard everything")
        assert heard[client] == said, heard[client]
    assert sorted(anna.rooms[room].users) == sorted([anna.user_id, ben.user_id])
    assert ben.rooms[room].display_name == "nio"
    await anna.room_typing(room, True)
    await until(lambda: anna.user_id in ben.rooms[room].typing_users, "ben saw anna typing")
    page = expect(await ben.room_messages(room, start=ben.next_batch, limit=2 * MESSAGES), RoomMessagesResponse)
    assert [event.body for event in page.chunk if isinstance(event, RoomMessageText)] == [
        body for _, body in reversed(said)
    ]
    for task in listeners:
        task.cancel()


async def main(url):
    anna, ben = await come_in(url, "anna"), await come_in(url, "ben")
    expect(await anna.sync(timeout=0), SyncResponse)
    try:
        await chat(anna, ben)
    finally:
        for client in (anna, ben):
            await client.logout()
            await client.close()
    print("chatted")


asyncio.run(main(sys.argv[1]))

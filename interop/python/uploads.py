import tempfile
from pathlib import Path

import fal_client
import httpx
from fal import expect, value, with_both_clients
from fal_client.client import StorageACL, StorageACLRule, StorageSettings


def download(url):
    response = httpx.get(url)
    assert response.status_code == 200, response
    return response.headers["content-type"], response.content


@with_both_clients
async def uploads(client):
    lifecycle = StorageSettings(expires_in="1h", initial_acl=StorageACL(default="allow"))
    url = await value(client.upload(b"a fox", "text/plain", "fox.txt", lifecycle=lifecycle))
    assert url.endswith("fox.txt"), url
    assert download(url) == ("text/plain", b"a fox")

    assert download(await value(client.upload(b"", "text/plain")))[1] == b""

    # The storage that is otherwise used if the CDN fails. The client sends its key to the signed URL, which the emulator refuses.
    with expect(fal_client.FalClientHTTPError) as leaked:
        await value(client.upload(b"a fox", "text/plain", "fox.txt", repository="fal", fallback_repository=[]))
    assert leaked.error.status_code == 403
    assert leaked.error.message == "A signed URL takes no Authorization"

    # More than 100 MiB are sent in parts of 10 MiB, of which ten are in flight.
    data = b"0123456789abcdef!" * (101 * 1024 * 1024 // 17)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.zip"
        path.write_bytes(data)
        assert download(await value(client.upload_file(path))) == ("application/zip", data)

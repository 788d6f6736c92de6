"""Secrets are found by name and by shape; all else stays as it is."""

import pickle
import time
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2logger import ConfigError
from l2logger.processors.redact import Redact
from l2logger.redaction import REDACTED, is_secret, redacted, redacted_text
from l2logger.signals import KINDS, METRICS, NOTE, PARAMS, RECORD, TABLE

HEX = "0123456789abcdef0123456789abcdef01234567"
ALNUM = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3"

SECRET_NAMES = [
    "password", "Password", "passWord", "passphrase", "db_password", "db.password", "db/password", "--db-password", "password2",
    "pwd", "smtp_pass", "secret", "client_secret", "secrets", "token", "authToken", "api_token", "hf_token", "TOKEN", "AUTHORIZATION",
    "Proxy-Authorization", "HTTPAuthorization", "credential", "credentials", "gcp_creds", "apiKey", "APIKey", "API-KEY", "apikey",
    "WANDB_API_KEY", "OPENAI_API_KEY", "OPENAI_API_KEY_2", "api_key_prod", "X-Api-Key", "accessKey", "AWS_SECRET_ACCESS_KEY",
    "aws_access_key_id", "privateKey", "ssh_key", "wandb_key", "sentry_dsn", "connectionString", "cookie", "Set-Cookie", "jwt",
    "auth", "basic_auth", "session_token", "use_auth_token",
    "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "dbpassword", "rootpasswd", "db_pw", "pass", "PASS", "pw", "oauth", "oauth2", "OAuth", "privkey",
    "priv_key", "credentials_json", "service_account_json", "clientsecret", "accesstoken", "access_tokens", "api_tokens", "authTokens",
    "refresh_token", "refresh_tokens",
]  # fmt: skip

USUAL_NAMES = [
    "token_count", "max_tokens", "num_tokens", "tokens", "tokenizer", "token_dim", "token_type", "eos_token", "padToken", "mask_token",
    "cls_token", "next_token", "loss_per_token", "max_new_token", "num_token", "key", "keys", "sort_key", "cache_key", "prng_key", "obs_key",
    "keyboard", "monkey", "secret_sauce", "secretary", "password_length", "private_key_path", "has_password", "author", "authors",
    "authentic", "oauth_method", "n_pass", "forward_pass", "bypass", "compass", "encoder",
    "pass_rate", "n_passes", "passes", "passed", "pass_1", "trespass", "num_passes", "max_pass", "pass_through", "pw_dim", "pwm", "power",
    "password_min_length", "num_auth_tokens", "max_api_tokens", "prompt_tokens", "completion_tokens", "access_tokens_used", "oauth_scopes",
    "credentials_path", "map", "pairwise", "reward", "commit", "sha256", "lr", "", 17, None,
]  # fmt: skip

# Each with the part that must not stay, and what becomes of the text.
SECRET_TEXTS = [
    ("https://user:hunter2@host/x", "https://[redacted]@host/x"),
    ("postgres://u:p/w@h:5432/db", "postgres://[redacted]@h:5432/db"),
    (f"https://{HEX}@github.com/a/b.git", "https://[redacted]@github.com/a/b.git"),
    ("redis://:hunter2@host", "redis://[redacted]@host"),
    ("http://a:b@h and http://c:d@h", "http://[redacted]@h and http://[redacted]@h"),
    ("-H 'Authorization: Bearer abc.DEF-123'", "-H 'Authorization: Bearer [redacted]'"),
    ("Bearer xyz123 was refused", "Bearer [redacted] was refused"),
    ("Authorization: Basic dXNlcjpodW50ZXI=", "Authorization: Basic [redacted]"),
    ("AKIAIOSFODNN7EXAMPLE", REDACTED),
    (f"it is ghp_{ALNUM}.", "it is [redacted]."),
    (f"github_pat_{ALNUM}_{ALNUM}", REDACTED),
    (f"glpat-{ALNUM}", REDACTED),
    (f"sk-{ALNUM}", REDACTED),
    (f"sk-proj-{ALNUM[:10]}-{ALNUM}", REDACTED),
    (f"sk-ant-api03-{ALNUM}", REDACTED),
    (f"sk_live_{ALNUM}", REDACTED),
    (f"hf_{ALNUM}", REDACTED),
    ("xoxb-123456789012-abcdef", REDACTED),
    ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/[redacted]"),
    (f"AIza{ALNUM[:35]}", REDACTED),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP", REDACTED),
    ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz=\n-----END RSA PRIVATE KEY-----\nb", "a\n[redacted]\nb"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", REDACTED),
    (f"wandb login {HEX}", "wandb login [redacted]"),
    (f"WANDB_API_KEY={HEX}", "WANDB_API_KEY=[redacted]"),
    ("python train.py --token=abc --lr 1", "python train.py --token=[redacted] --lr 1"),
    ("python train.py --password abc --lr 1", "python train.py --password [redacted] --lr 1"),
    ("['train.py', '--token', 'abc', '--lr']", "['train.py', '--token', '[redacted]', '--lr']"),
    ('["--token", "--lr", "--password", "a b"]', '["--token", "--lr", "--password", "[redacted]"]'),
    ("https://h/x?token=abc&n=1", "https://h/x?token=[redacted]&n=1"),
    ("https://h/x?se=1&sig=a%2Fb&n=1", "https://h/x?se=1&sig=[redacted]&n=1"),
    ("url=https://h/x?api_key=abc", "url=https://h/x?api_key=[redacted]"),
    ("Server=h;User=u;Pwd=abc;X=1", "Server=h;User=u;Pwd=[redacted];X=1"),
    ("AccountName=a;AccountKey=ab+c/d==;E=1", "AccountName=a;AccountKey=[redacted];E=1"),
    ('{"password": "a\'b c", "n": 1}', '{"password": "[redacted]", "n": 1}'),
    ("{'api_key': 'abc', 'n': 1}", "{'api_key': '[redacted]', 'n': 1}"),
    (r'{"x": "{\"password\": \"abc\"}"}', r'{"x": "{\"password\": \"[redacted]\"}"}'),
    ("db:\n  password: hunter\n  port: 1\n", "db:\n  password: [redacted]\n  port: 1\n"),
    ("the password: hunter22 is weak", "the password: [redacted] is weak"),
    ("+db.password=abc", "+db.password=[redacted]"),
    ("PGPASSWORD=abc psql", "PGPASSWORD=[redacted] psql"),
    ("train.py --password -abc1 --lr 1", "train.py --password [redacted] --lr 1"),
    ("train.py --set db.password abc --lr 1", "train.py --set db.password [redacted] --lr 1"),
    ("['--set', 'db.password', 'abc']", "['--set', 'db.password', '[redacted]']"),
    ("curl -u user:abc http://x", "curl -u user:[redacted] http://x"),
    ("curl -s --user 'user:abc' http://x", "curl -s --user 'user:[redacted]' http://x"),
    ("['curl', '-su', 'user:abc']", "['curl', '-su', 'user:[redacted]']"),
    ("mysql -u root -pabc db", "mysql -u root -p[redacted] db"),
    ("/usr/bin/mysqldump -p'abc' db > x", "/usr/bin/mysqldump -p'[redacted]' db > x"),
    ("sshpass -p abc ssh h", "sshpass -p [redacted] ssh h"),
    ("password: |\n  abc\n  def\n\n  ghi\nport: 1\n", "password: |\n  [redacted]\nport: 1\n"),
    ("db:\n- password: >-\n    abc\n  port: 1\n", "db:\n- password: >-\n    [redacted]\n  port: 1\n"),
    ("db:\n  password:\n    abc\n  port: 1\n", "db:\n  password:\n    [redacted]\n  port: 1\n"),
    ("api_tokens:\n  - abc\nport: 1\n", "api_tokens:\n  - [redacted]\nport: 1\n"),
    ("api_tokens:\n  - abc\n  - 'def'\nport: 1\n", "api_tokens:\n  - [redacted]'\nport: 1\n"),
    ('"password":\n  "abc",\n"x": 1', '"password":\n  "[redacted]",\n"x": 1'),
    ("pw=hunter", "pw=[redacted]"),
    ("token:abcdef", "token:[redacted]"),
    ("machine api.wandb.ai\n  login user\n  password abc", "machine api.wandb.ai\n  login user\n  password [redacted]"),
]  # fmt: skip

USUAL_TEXTS = [
    "lr dropped to 1e-4", "https://host:8080/a@b", "https://medium.com/@user/x", "ssh://git@github.com/x", "git@github.com:a/b.git",
    "http://[::1]:80/x@y", "mail me: a@b.de", "s3://bucket/key", "the bearer of bad news", "Bearer of the ring", "Basic authentication is off",
    f"commit {HEX}", f"sha256={HEX}", "sk-learn-random-forest-baseline", "task-" + "a" * 30, "hf_transformers", "eyJ", "token_count=7",
    "max_tokens: 4096", "token: the smallest piece of a text", "eos_token=</s>", "use the --password option", "api_key=None",
    "api_key: null", "password=${oc.env:PW}", "token = get_token()", "password = os.environ['X']", "key=value", "secret_sauce=7",
    "pass=3 fail=1", "pass: 0.93", "pass: test_step", "they pass :attr:`x`", "pw=64", "pw: 12", "token=17", "use --password -v",
    "curl -O http://x:80/y", "curl --user-agent me:1", "mysql -P 3306 -u root -p db", "mysql-client -path x", "auth:\n  user: me\n",
    "token:\n  word\n", "password:\n  The password of the user.\n", "password: |\nport: 1\n", "--set lr 0.1", "pass_rate=0.5 n_passes=3",
    "the secret of success", "no password", "1:2=3", "=", ":", "--", "a" * 1000, "Ω: λ=1", "-----BEGIN PUBLIC KEY-----",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_tells_a_secret(name):
    """F-151."""
    assert is_secret(name)


@pytest.mark.parametrize("name", USUAL_NAMES)
def test_a_usual_name_tells_none(name):
    assert not is_secret(name)


@pytest.mark.parametrize(("text", "without"), SECRET_TEXTS)
def test_a_secret_is_known_by_its_shape(text, without):
    """F-150."""
    assert redacted_text(text) == without


@pytest.mark.parametrize(("text", "without"), SECRET_TEXTS)
def test_what_is_redacted_stays_as_it_is(text, without):
    assert redacted_text(without) is without


@pytest.mark.parametrize("text", USUAL_TEXTS)
def test_a_usual_text_is_not_touched(text):
    assert redacted_text(text) is text


@given(st.text())
def test_any_text_can_be_looked_at(text):
    assert redacted_text(redacted_text(text)) == redacted_text(text)


def test_values_of_secret_names_are_replaced_as_a_whole():
    value = {"db": {"password": 1234, "credentials": {"user": "a"}, "tokens": ["a"]}, "auth": ["u", "p"]}
    assert redacted(value) == {"db": {"password": REDACTED, "credentials": REDACTED, "tokens": ["a"]}, "auth": REDACTED}


@pytest.mark.parametrize("value", [None, "", True, False, {}, [], REDACTED, "none", "${oc.env:X}"], ids=repr)
def test_what_says_nothing_is_no_secret(value):
    mapping = {"password": value}
    assert redacted(mapping) is mapping


@pytest.mark.parametrize(
    "value",
    [
        {"lr": 1e-3, "net": {"sizes": [64, 64]}, "tags": ("a", "b")},
        MappingProxyType({"a": (1, "x")}),
        ["train.py", "--lr", "1", "--max-tokens", "7"],
        {"a", "b"},
        7,
        None,
        b"password=x",
    ],
    ids=repr,
)
def test_what_has_no_secret_is_the_same_object(value):
    assert redacted(value) is value


def test_frozen_values_are_looked_into():
    value = MappingProxyType({"a": (MappingProxyType({"token": "x"}), "Bearer abc123")})
    assert redacted(value) == {"a": [{"token": REDACTED}, "Bearer [redacted]"]}


def test_a_key_that_is_a_secret_is_replaced():
    assert redacted({f"ghp_{ALNUM}": 1}) == {REDACTED: 1}


def test_secrets_are_cut_out_of_a_command_line():
    argv = [
        "train.py",
        "--token",
        "abc",
        "--password=a b&c",
        "db.password=x",
        "+a.api_key=null",
        "--lr",
        "1",
        "--token",
        "--x",
    ]
    assert redacted(argv) == [
        "train.py", "--token", REDACTED, f"--password={REDACTED}", f"db.password={REDACTED}", "+a.api_key=null", "--lr", "1",
        "--token", "--x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "without"),
    [
        (["--password", "-aB3"], ["--password", REDACTED]),
        (["--password", "-", "x"], ["--password", "-", "x"]),
        (["--token", "-v", "x"], ["--token", "-v", "x"]),
        (["--api-key", ["x", "y"]], ["--api-key", REDACTED]),
        (["--set", "db.password", "x", "y"], ["--set", "db.password", REDACTED, "y"]),
        (["--opts", "LR", "1", "DB.PASSWORD", "x", "--y", "password", "z"], ["--opts", "LR", "1", "DB.PASSWORD", REDACTED, "--y", "password", "z"]),
        (["curl", "-u", "me:x", "http://h"], ["curl", "-u", f"me:{REDACTED}", "http://h"]),
        (["/bin/curl", "--user=me:x"], ["/bin/curl", f"--user=me:{REDACTED}"]),
        (["mysql", "-uroot", "-px", "db"], ["mysql", "-uroot", f"-p{REDACTED}", "db"]),
        (["sshpass", "-p", "x", "ssh"], ["sshpass", "-p", REDACTED, "ssh"]),
        (["grep", "-px"], ["grep", "-px"]),
    ],
    ids=str,
)  # fmt: skip
def test_secrets_are_cut_out_of_arguments(argv, without):
    assert redacted(argv) == without


@pytest.mark.parametrize(
    ("value", "without"),
    [
        ([("password", "x"), ("lr", "y")], [["password", REDACTED], ("lr", "y")]),
        ([{"name": "API_TOKEN", "value": "x"}], [{"name": "API_TOKEN", "value": REDACTED}]),
        ({"Key": "db_password", "Value": "x", "n": 1}, {"Key": "db_password", "Value": REDACTED, "n": 1}),
    ],
    ids=str,
)
def test_a_name_may_stand_beside_its_value(value, without):
    assert redacted(value) == without


@pytest.mark.parametrize(
    "value",
    [
        {"pass": 0.9375},
        {"pass": 12, "fail": 3},
        {"token": 17},
        {"name": "token", "value": "the"},
        {"name": "token", "value": 0.5},
        {"name": "lr", "value": "x"},
        {"value": "x"},
        {"name": "API_TOKEN", "value": None},
        [["token", "embedding"], ["embedding", "attention"]],
        [["password", 7]],
        ["token", "mask"],
        ["password", "user"],
    ],
    ids=repr,
)
def test_what_is_no_name_with_its_secret_is_not_touched(value):
    assert redacted(value) is value


HARD = {
    "eyJ": "eyJ" * 300_000,
    "url": "http://a:b" * 100_000,
    "dashes": "a-" * 500_000 + "token",
    "key": "-----BEGIN PRIVATE KEY" * 50_000,
    "quotes": 'password=\\"' * 100_000,
    "backslashes": "token=" + "\\" * 1_000_000,
    "wandb": "wandb" * 200_000,
    "curl": "curl " * 200_000,
    "mysql": "mysql -p " * 100_000,
    "blocks": "password: |\n" * 100_000,
    "nested blocks": "".join(f"{' ' * n}password: |\n" for n in range(1_000)),
    "lists": "passwords:\n" + "  - abc\n" * 100_000 + "  - abc def",
    "empty block": "password: |\n" + " " * 1_000_000,
    "empty lines": "password: |\n" + "\n" * 1_000_000,
    "blank lines": "password: |\n" + "  \n" * 300_000 + "x",
    "passes": "pass" * 250_000 + "=",
    "spaces": "Bearer" + " " * 1_000_000,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_no_text_takes_more_than_linear_time(text):
    begun = time.perf_counter()
    redacted_text(text)
    assert time.perf_counter() - begun < 5


# The processor.


def test_it_leaves_records_and_metrics_alone():
    assert Redact.kinds == KINDS - {RECORD, METRICS}


def test_parameters_are_redacted():
    event = {"timestamp": "t", "step": None, "params": {"wandb": {"api_key": "abc"}, "lr": 1}}
    assert Redact()(None, PARAMS, event)["params"] == {"wandb": {"api_key": REDACTED}, "lr": 1}


def test_an_event_without_secrets_is_the_same_object():
    event = {"timestamp": "t", "step": 1, "clocks": {"token": 1}, "params": {"lr": 1}}
    assert Redact()(None, PARAMS, event) is event


def test_the_event_that_was_given_is_not_changed():
    params = {"token": "x"}
    event = {"params": params}
    assert Redact()(None, PARAMS, event) is not event
    assert (event, params) == ({"params": {"token": "x"}}, {"token": "x"})


@pytest.mark.parametrize("field", ["text", "caption"])
def test_texts_are_redacted(field):
    event = {"name": "x", field: "login with Bearer abc123"}
    assert Redact()(None, NOTE, event) == {"name": "x", field: "login with Bearer [redacted]"}


def test_what_is_bound_is_redacted():
    event = {"context": {"task_name": "a", "api_key": "x"}, "text": ""}
    assert Redact()(None, NOTE, event)["context"] == {"task_name": "a", "api_key": REDACTED}


def test_cells_of_tables_are_redacted_by_column_and_by_shape():
    event = {"columns": ["user", "password", "n"], "rows": [["a", "x", 1], ["https://a:b@c", None, 2]]}
    assert Redact()(None, TABLE, event)["rows"] == [["a", REDACTED, 1], ["https://[redacted]@c", None, 2]]


def test_rows_of_names_and_values_are_redacted():
    event = {"columns": ["name", "value"], "rows": [["password", "x"], ["lr", "0.1"], ["api_key", None]]}
    assert Redact()(None, TABLE, event)["rows"] == [["password", REDACTED], ["lr", "0.1"], ["api_key", None]]


def test_a_table_of_tests_that_pass_is_not_touched():
    event = {"columns": ["task", "pass", "fail"], "rows": [["a", 0.93, 0.07], ["b", 7, 3]]}
    assert Redact()(None, TABLE, event) is event


def test_the_type_of_an_artifact_is_redacted():
    assert Redact()(None, "artifact", {"type": "password=x"}) == {"type": "password=[redacted]"}


def test_a_table_of_tokens_is_not_touched():
    event = {"columns": ["token", "logprob"], "rows": [["the", -0.5]]}
    assert Redact()(None, TABLE, event) is event


def test_names_and_paths_are_not_touched():
    event = {"name": "token=abc", "path": "artifacts/password=x/v0", "files": [{"path": "password=x"}], "metadata": {}}
    assert Redact()(None, "artifact", event) is event


def test_more_names_can_be_secret():
    redact = Redact(names=["license", "*_pin"])
    event = {"params": {"License": "x", "door_pin": 7, "cfg.license": "x", "pin": 7}}
    assert redact(None, PARAMS, event)["params"] == {
        "License": REDACTED,
        "door_pin": REDACTED,
        "cfg.license": REDACTED,
        "pin": 7,
    }


def test_names_can_be_allowed():
    redact = Redact(allow="token")
    params = {"token": "x", "url": {"token": "Bearer abc123"}, "argv": ["--token", "x"], "pairs": [["token", "x12345"]]}
    assert redact(None, PARAMS, {"params": params})["params"] is params
    assert redact(None, PARAMS, {"params": {"api_token": "x"}})["params"] == {"api_token": REDACTED}


def test_it_pickles_with_the_logger_that_has_it():
    redact = pickle.loads(pickle.dumps(Redact(names="license", allow="token")))
    assert redact(None, PARAMS, {"params": {"license": "x", "token": "y"}})["params"] == {
        "license": REDACTED,
        "token": "y",
    }


@pytest.mark.parametrize("patterns", [5, [""], [1], [None], ""])
def test_what_is_no_pattern_is_refused(patterns):
    with pytest.raises(ConfigError, match="names of Redact"):
        Redact(names=patterns)

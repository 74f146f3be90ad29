"""What docs/OPERATING.md tells an operator to write is taken by the program."""
import re
import subprocess

from program import PROGRAM, TOP

TEXT = (TOP / 'docs' / 'OPERATING.md').read_text()


def test_options_exist():
    known = set(re.findall(r'--([a-z][a-z-]+)', subprocess.run([PROGRAM, '--help'], capture_output=True, text=True, check=True).stdout))
    named = set(re.findall(r'`--([a-z][a-z-]+)', TEXT)) | set(re.findall(r'# --([a-z-]+)', TEXT))
    assert len(named) > 10 and named <= known


def test_the_configuration_file_is_taken(start, tmp_path):
    lines = re.search(r'```ini\n# /etc/obscura.conf.*?\n(.*?)```', TEXT, re.S)[1].replace('/var/lib/obscura', str(tmp_path / 'state'))
    config = tmp_path / 'obscura.conf'
    config.write_text(lines)
    server = start('--config', str(config))
    assert [server.get(address).status for address in ('/health/live', '/health/ready', '/metrics')] == [200, 200, 200]

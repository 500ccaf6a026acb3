"""x"""
import sys, subprocess, os
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import provider_schema, provider_server
schemas = {n: provider_schema.load(n, Path("/tmp/inf/cache")) for n in provider_schema.PACKAGES}
with provider_server.serving(schemas) as env:
    for cmd in (["init","-backend=false","-input=false", "-no-color"],["validate","-no-color"],["test","-no-color"]):
        r = subprocess.run(["terraform","-chdir=/work/wt/infra/infra",*cmd], env={**os.environ, **env, "TF_DATA_DIR":"/tmp/inf/tfdata"})
        print(cmd, r.returncode)

"""One rank of a PyTorch process group over NCCL: how long each phase takes until the first all-to-all is done, as one JSON object."""
import json
import os
import time

start = time.monotonic()
try:
    import torch
    import torch.distributed as dist
except ImportError as missing:
    print("python3 has no torch: %s" % missing)
    raise SystemExit(0)


def ms(since):
    return round((time.monotonic() - since) * 1000, 1)


rank = int(os.environ["RANK"])
world = int(os.environ["WORLD_SIZE"])
phases = {"importMs": ms(start), "torch": torch.__version__, "nccl": ".".join(str(part) for part in torch.cuda.nccl.version())}

begun = time.monotonic()
torch.cuda.set_device(rank)
here = torch.device("cuda", rank)
source = torch.full((world, 1 << 10), float(rank), device=here)
torch.cuda.synchronize()
phases["contextMs"] = ms(begun)

begun = time.monotonic()
dist.init_process_group("nccl", rank=rank, world_size=world)
phases["bootstrapMs"] = ms(begun)

# all ranks are here before the connections are made: what follows is NCCL's alone
store = dist.distributed_c10d._get_default_store()
store.set("here%d" % rank, "1")
store.wait(["here%d" % other for other in range(world)])
begun = time.monotonic()
target = torch.empty_like(source)
dist.all_to_all_single(target, source)
torch.cuda.synchronize()
phases["firstAllToAllMs"] = ms(begun)

begun = time.monotonic()
dist.all_to_all_single(target, source)
torch.cuda.synchronize()
phases["secondAllToAllMs"] = ms(begun)
phases["right"] = bool((target[:, 0].cpu() == torch.arange(world)).all())
print(json.dumps(phases))
dist.destroy_process_group()

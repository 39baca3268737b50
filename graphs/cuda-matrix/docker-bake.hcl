# CUDA, cuDNN and Python in all versions that go together.
variable "MIRROR" { default = "docker.io/library" }
variable "REGISTRY" { default = "registry.example/cuda" }

CUDA   = ["117", "118", "121", "124", "126", "128"]
PYTHON = ["39", "310", "311", "312", "313", "314"]
# cuDNN 9 begins with CUDA 11.8, cuDNN 8 ends with CUDA 12.4.
PAIRS = [
  for pair in setproduct(CUDA, ["8", "9"]) : { cuda = pair[0], cudnn = pair[1] }
  if pair[1] == "9" ? pair[0] >= "118" : pair[0] <= "124"
]

group "default" { targets = ["os", "cuda", "cudnn", "python"] }

target "os" {
  dockerfile = "docker/os.Dockerfile"
  args       = { MIRROR = MIRROR }
  tags       = ["${REGISTRY}/os"]
}
target "cuda" {
  name       = "cu${cuda}"
  matrix     = { cuda = CUDA }
  dockerfile = "docker/cuda.Dockerfile"
  args       = { CUDA = cuda }
  tags       = ["${REGISTRY}/cu${cuda}"]
}
target "cudnn" {
  name       = "cu${pair.cuda}-cudnn${pair.cudnn}"
  matrix     = { pair = PAIRS }
  dockerfile = "docker/cudnn.Dockerfile"
  args       = { CUDA = pair.cuda, CUDNN = pair.cudnn }
  tags       = ["${REGISTRY}/cu${pair.cuda}-cudnn${pair.cudnn}"]
}
target "python" {
  name       = "cu${pair.cuda}-cudnn${pair.cudnn}-py${python}"
  matrix     = { pair = PAIRS, python = PYTHON }
  dockerfile = "docker/python.Dockerfile"
  args       = { CUDA = pair.cuda, CUDNN = pair.cudnn, PYTHON = python }
  tags       = ["${REGISTRY}/cu${pair.cuda}-cudnn${pair.cudnn}-py${python}"]
}

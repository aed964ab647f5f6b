"""What patients type: sentences that must raise the alarm, sentences that must not, and needless alarms we accept."""

DANGEROUS_EN = """
I am bleeding
my gums bleed all night
he bleeds from the mouth
vomiting blood
I vomited some blood
throwing up blood
she threw up a little blood
coughing up blood
I cough up some blood
he coughed blood
spitting out blood
he brings up blood
there is blood in my stool
blood in stools since Monday
bloody stools
my stool is bloody
black stools
black stool
I had BLACK sticky stools
my stool is black
stools are very black
tarry stools
black poo since yesterday
vomit like coffee grounds
cant breathe
can't breathe
I can’t really breathe
cannot breathe
not breathing
he stopped breathing
trouble breathing
difficulty breathing
difficulty in breathing
it is hard for him to breathe
breathing is very difficult
short of breath
shortness of breath
I am breathless lying down
chest pain
chest pains
pain in my chest
my chest hurts
some chest tightness
heart attack
I think it is a heart attack!
fainting
fainted twice
collapsed
he collapsed in the bathroom
passed out
she keeps passing out
blacked out
unconscious
he lost consciousness
cannot wake him
we can't wake my father
he won't wake up
she is not responding
seizures
a seizure
had a fit
he is having fits
convulsions
confused
sudden confusion
slurred speech
suicide
I feel suicidal
I want to kill myself
thinking of killing myself
I want to die
he just wants to die
I do not want to live
""".strip().splitlines()

HARMLESS_EN = """
I studied last night
my blood test was fine
no blood pressure tablets left
blood pressure 120 over 80
I gave blood and stool samples
I had a cough, blood pressure was normal
I coughed and the blood test was late
black tea and coffee, and normal stools
I drink black coffee. My stool is normal.
the black shoes do not fit
the trousers fit well
I bought a black umbrella
my stool was brown
the doctor's black bag
the wake up alarm is at seven
I woke up late
I breathe well today
a breath of fresh air
my chest X-ray is on Monday
the X-ray was fine, no fever
the app did not respond
I passed the exam
my painting class
a faint smell of paint
I can't talk right now, call me later
I will bring up my blood pressure book
nausea and a little vomiting
hands and feet are red
tired but well
a stroke of luck
it is no emergency
the fittings are loose
""".strip().splitlines()

DANGEROUS_ZH = """
吐血
我在吐血
吐了血
吐了好多血
吐了一口血
吐出血了
早上呕血
呕了很多血
嘔血
咳血
咳出血了
咳了一点血
痰里有血
痰中带血
便血
大便带血
大便里有血
大便有血
拉血
拉了血
拉出血
黑便
大便发黑
大便很黑
大便是黑的
大便颜色发黑
黑色大便
黑色的大便
拉的是黑的
柏油样便
大出血
出血不止
流血不止
血一直止不住
流了好多血
喘不上气
喘不上来气
喘不过气
喘不过气来
喘不過氣
呼吸困难
呼吸很困难
呼吸困難
呼吸费力
不能呼吸
没有呼吸了
胸痛
胸口痛
胸口很痛
胸口疼
胸部疼痛
胸闷痛
心梗
心脏病发作
昏迷
昏倒
昏过去了
昏過去了
晕倒了
晕过去了
暈過去
叫不醒
怎么叫都叫不醒
叫他没反应
不省人事
神志不清
神志有点不清
意识不清
意識不清
失去意识
抽搐
癫痫发作
全身抽
说不出话
口齿不清
自杀
自殺
想自杀
不想活了
我想死
""".strip().splitlines()

HARMLESS_ZH = """
今天血压正常
血压有点高
抽血检查正常
抽了好多血去化验
血常规结果出来了
呕吐，血压正常
有点恶心，没有吐
大便正常，血糖也正常
大便不黑
顺便带血压计
大便黄色
头发变黑了
黑色的裤子
喝了黑咖啡
把他拉黑了
咳嗽，有痰
呼吸平稳
胸部CT预约在周一
胸口不疼
手脚发麻，没有知觉
吃了药没反应
我没意识到漏了一次药
风险评估为中风险
早上醒不来，睡得太晚
头有点昏
有点晕
手抖，其他都好
说话声音小
死了心
想吃点东西
""".strip().splitlines()

# A needless call is the cheaper mistake: these alarm, and nobody should be surprised.
ALARM_ALL_THE_SAME = """
no bleeding today
no trouble breathing
my phone collapsed
vomiting before blood test
I am confused by question three
没有吐血
不想死
大便血压都正常
抽风机坏了
你们是我的救命恩人
can you help me with the form
""".strip().splitlines()
